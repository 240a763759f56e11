"""The docker SDK on top of an executor: each HTTP exchange is one command on the host.

So it needs no second SSH client with keys and known hosts of its own (docker's `ssh://` has one), and works
through Incus alike. Nothing streams: an exchange must end by itself (`events` needs `until`).
"""

import http.client
import inspect
import io
import socket
from typing import Any, cast

import docker
import requests
import requests.adapters
import urllib3

from ccci_host.errors import HostError, tail
from ccci_host.transport import docker_relay
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Executor

SOCKET = "/var/run/docker.sock"
BASE_URL = "http://docker:80"

_PROGRAM = inspect.getsource(docker_relay)


class RelayAdapter(requests.adapters.BaseAdapter):
    """Sends a request of the SDK as standard input of a program on the host.

    Raises `HostError` when the daemon does not answer there, and whatever `executor` raises.
    """

    def __init__(self, executor: Executor) -> None:
        super().__init__()
        self._executor = executor
        self._build = requests.adapters.HTTPAdapter().build_response

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ARG002 - requests' own parameters; it passes them by name
        **options: Any,
    ) -> requests.Response:
        """One exchange, within `timeout` seconds (of requests' pair of timeouts the second counts)."""
        timeout = options.get("timeout")
        seconds = timeout[1] if isinstance(timeout, tuple) else timeout
        done = self._executor.run(
            ["python3", "-I", "-S", "-c", _PROGRAM, SOCKET],
            input=serialised(request),
            timeout=seconds or DEFAULT_TIMEOUT,
        )
        if done.exit_code == docker_relay.NO_DAEMON:
            raise HostError(
                f"dockerd does not answer on {self._executor.where}.",
                details=tail(done.stderr),
                resolution="Start it (`systemctl start docker`); `journalctl -u docker` says why it stopped.",
            )
        done.check()
        return self._build(request, parsed(done.stdout, request.method or "GET", self._executor.where))

    def close(self) -> None:
        """Nothing to give up: the executor belongs to the machine."""


def open_docker(executor: Executor, timeout: float = DEFAULT_TIMEOUT) -> docker.DockerClient:
    """The docker SDK speaking with the daemon on `executor`'s host, in the API version of that daemon.

    An exchange may take `timeout` seconds. Raises `HostError` when the daemon does not answer.
    """
    adapter = RelayAdapter(executor)
    with requests.Session() as session:
        session.trust_env = False
        session.mount(BASE_URL, adapter)
        answer = session.get(f"{BASE_URL}/version", timeout=timeout)
    try:
        spoken = str(answer.json()["ApiVersion"])
    except (ValueError, KeyError, TypeError):
        raise HostError(
            f"dockerd on {executor.where} does not say which version it speaks.",
            details=f"HTTP status {answer.status_code}: {tail(answer.content)}",
        ) from None
    client = docker.DockerClient(base_url=BASE_URL, version=spoken, timeout=int(timeout))
    client.api.mount(BASE_URL, adapter)
    return client


def serialised(request: requests.PreparedRequest) -> bytes:
    """`request` as HTTP/1.1 puts it on a wire, for an exchange that ends with the connection."""
    body = request.body or b""
    if not isinstance(body, str | bytes):
        body = b"".join(cast("Any", body))
    if isinstance(body, str):
        body = body.encode()
    headers = {
        **{name: value for name, value in request.headers.items() if name.lower() not in _OURS},
        "Host": "docker",
        "Connection": "close",
        "Content-Length": str(len(body)),
    }
    lines = [f"{request.method} {request.path_url} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


_OURS = {"host", "connection", "content-length", "transfer-encoding"}


def parsed(wire: bytes, method: str, where: str) -> urllib3.HTTPResponse:
    """The response in `wire`, as the SDK expects it from urllib3; raises `HostError` when it is none."""
    try:
        _begun(wire, method).read()  # a first pass, for an answer that broke off would surprise the SDK later
    except http.client.IncompleteRead:
        raise HostError(
            f"dockerd on {where} broke off in the middle of an answer.",
            details=tail(wire),
            resolution="See `journalctl -u docker` for why; the request may have been carried out.",
        ) from None
    except http.client.HTTPException as error:
        raise HostError(
            f"What answers on {SOCKET} of {where} is no dockerd.", details=f"{error!r}: {tail(wire)}"
        ) from None
    raw = _begun(wire, method)
    return urllib3.HTTPResponse(
        body=cast("Any", raw),
        headers=urllib3.HTTPHeaderDict(raw.getheaders()),
        status=raw.status,
        reason=raw.reason,
        version=raw.version,
        preload_content=False,
        original_response=raw,
        request_method=method,
    )


def _begun(wire: bytes, method: str) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(cast("socket.socket", _Wire(wire)), method=method)
    response.begin()
    return response


class _Wire:
    """Received bytes, as much of a socket as `http.client` reads from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, mode: str) -> io.BytesIO:  # noqa: ARG002 - it can only be "rb"
        return io.BytesIO(self._content)
