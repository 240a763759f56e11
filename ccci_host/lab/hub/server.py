"""The hub's process: `python -m ccci_host.lab.hub.server FOLDER`.

It holds a lock on `hub.lock` as long as it lives, runs `docker-registry` as its child, and ends when it is
told to, when the registry ends, or when its folder has gone.
"""

import asyncio
import contextlib
import fcntl
import logging
import logging.handlers
import os
import signal
import sys
from pathlib import Path

import httpx

from ccci_host.lab.hub import backend
from ccci_host.lab.hub.access_log import AccessLog, LoggedApp
from ccci_host.lab.hub.accounts import AccountBook
from ccci_host.lab.hub.control_door import Switches, control_app
from ccci_host.lab.hub.doors import Doors, QuietServer, server_config
from ccci_host.lab.hub.gateway import Gateway
from ccci_host.lab.hub.registries import Directory
from ccci_host.lab.hub.settings import ALREADY_RUNNING, Paths, Settings
from ccci_host.lab.hub.state import LiveState
from ccci_host.lab.hub.tokens import Mint

_LOG_BYTES = 4 * 1024 * 1024
_BACKEND_SECONDS = 30
_log = logging.getLogger("ccci.hub")


def main() -> int:
    """Run the hub whose folder is the only argument; the process's exit code."""
    paths = Paths(Path(sys.argv[1]))
    lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return ALREADY_RUNNING
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    _begin_log(paths.log)
    return asyncio.run(_Hub(paths, os.fstat(lock).st_ino).run())


class _Hub:
    def __init__(self, paths: Paths, lock_inode: int) -> None:
        self._paths = paths
        self._lock_inode = lock_inode
        self._over = asyncio.Event()

    async def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._over.set)
        registry = await asyncio.create_subprocess_exec(
            *backend.argv(self._paths.backend_config),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        watchers = [
            asyncio.create_task(_relay_output(registry)),
            asyncio.create_task(self._end_with(registry)),
            asyncio.create_task(self._end_with_folder()),
        ]
        try:
            await self._serve()
        finally:
            for watcher in watchers:
                watcher.cancel()
            with contextlib.suppress(ProcessLookupError):
                registry.terminate()
            await registry.wait()
        return 0

    async def _serve(self) -> None:
        settings = Settings.model_validate_json(self._paths.settings.read_bytes())
        state = LiveState.load(self._paths.live_state)
        book = AccountBook.ensure(self._paths.accounts, self._paths.pats)
        transport = httpx.AsyncHTTPTransport(uds=str(self._paths.backend_socket))
        async with httpx.AsyncClient(
            transport=transport, base_url=backend.BASE_URL, timeout=60, trust_env=False
        ) as client:
            await self._backend_answers(client)
            gateway = Gateway(
                directory=Directory(settings.registries),
                book=book,
                mint=Mint(self._paths.token_key),
                state=state,
                backend=client,
            )
            doors = Doors(
                LoggedApp(gateway, AccessLog(self._paths.access_log)),
                settings.endpoints,
                self._paths.certificate,
                self._paths.certificate_key,
            )
            await doors.open()
            switches = Switches(settings.fingerprint(), book, state, gateway.budget, doors, self._over.set)
            control = QuietServer(server_config(control_app(switches), uds=str(self._paths.control)))
            serving = asyncio.create_task(control.serve())
            _log.info("open on %s", doors.endpoints)
            await self._over.wait()
            await doors.close()
            control.should_exit = True
            await serving

    async def _backend_answers(self, client: httpx.AsyncClient) -> None:
        async with asyncio.timeout(_BACKEND_SECONDS):
            while not self._over.is_set():
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/v2/")).status_code == 200:
                        return
                await asyncio.sleep(0.02)
        raise RuntimeError("docker-registry ended before it answered")

    async def _end_with(self, registry: asyncio.subprocess.Process) -> None:
        code = await registry.wait()
        _log.error("docker-registry ended with exit code %s", code)
        self._over.set()

    async def _end_with_folder(self) -> None:
        """A folder that was removed under a running hub must not leave a process behind."""
        while True:
            await asyncio.sleep(1)
            try:
                inode = self._paths.lock.stat().st_ino
            except FileNotFoundError:
                inode = -1
            if inode != self._lock_inode:
                _log.error("the folder is not mine any more")
                self._over.set()
                return


async def _relay_output(registry: asyncio.subprocess.Process) -> None:
    assert registry.stdout is not None  # noqa: S101 - it was asked for
    async for line in registry.stdout:
        _log.info("docker-registry: %s", line.decode(errors="replace").rstrip())


def _begin_log(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
