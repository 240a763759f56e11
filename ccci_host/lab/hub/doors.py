"""The HTTPS listeners. They can be closed and opened again, so that the Hub can be down for real."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

_IP_FREEBIND = 15
"""From `linux/in.h`: bind an address before it exists, and keep it while its bridge is made anew."""


class QuietServer(uvicorn.Server):
    """A server that leaves signals to the process, which may run several."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield


def server_config(app: ASGIApp, **options: object) -> uvicorn.Config:
    """How every server here is set up; `options` are uvicorn's."""
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the source address is evidence: nobody may choose it
        server_header=False,
        timeout_graceful_shutdown=1,
        **options,  # type: ignore[arg-type]  # uvicorn types each option by itself
    )


class Doors:
    """HTTPS on several addresses, with one certificate."""

    def __init__(
        self, app: ASGIApp, endpoints: Sequence[tuple[str, int]], certificate: Path, key: Path
    ) -> None:
        self._app = app
        self._endpoints = tuple(endpoints)
        self._certificate = certificate
        self._key = key
        self._server: QuietServer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def are_open(self) -> bool:
        """Whether connections are accepted."""
        return self._task is not None and not self._task.done()

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """Address and port of each door; the ports are the real ones once it has been open."""
        return self._endpoints

    async def open(self) -> None:
        """Accept connections; nothing to do when they are accepted already. Raises `OSError`."""
        if self.are_open:
            return
        sockets = [_listen(address, port) for address, port in self._endpoints]
        self._endpoints = tuple(one.getsockname()[:2] for one in sockets)
        config = server_config(self._app, ssl_certfile=str(self._certificate), ssl_keyfile=str(self._key))
        self._server = QuietServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=sockets))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.01)  # the listener's own event loop: nothing may block it

    async def close(self) -> None:
        """Refuse connections, and break off those that are open after a second."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task


def _listen(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {address}:{port}: {error.strerror}") from error
    return listener
