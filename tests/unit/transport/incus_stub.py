"""A scripted Incus behind a real socket, so that pylxd itself is under test. Fails on anything unscripted."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ccci_host.config import IncusTable

Reply = tuple[int, Any]
"""HTTP status, and bytes as they are or a value that goes out as JSON."""

HANG_UP = (0, None)
"""Closes the connection in place of an answer."""


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Reply | list[Reply] | Callable[[Request], Reply]
"""Always the same, one after the other (the last one stays), or computed."""


@dataclass
class IncusStub:
    """What it answers to `METHOD path`, and what it was asked."""

    script: dict[str, Answer]
    requests: list[Request] = field(default_factory=list)
    unscripted: list[str] = field(default_factory=list)
    socket: Path = Path()

    @property
    def table(self) -> IncusTable:
        return IncusTable(endpoint=str(self.socket), instance="ci", project="p")

    def asked(self, line: str) -> list[Request]:
        """The requests of this method and path."""
        return [each for each in self.requests if f"{each.method} {each.path}" == line]

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        line = f"{request.method} {request.path}"
        if line == "GET /1.0":
            return sync({"auth": "trusted", "api_extensions": ["projects"], "environment": {}})
        if line not in self.script:
            self.unscripted.append(line)
            return refused(f"unscripted: {line}", 501)
        answer = self.script[line]
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(request) if callable(answer) else answer


def sync(metadata: Any) -> Reply:
    return 200, {"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}


def started(operation: str = "op") -> Reply:
    path = f"/1.0/operations/{operation}"
    return 202, {"type": "async", "operation": path, "metadata": {"id": operation, "may_cancel": False}}


def refused(reason: str, status: int = 400) -> Reply:
    return status, {"type": "error", "error": reason, "error_code": status}


def ended(code: int = 0, *, status: str = "Success", err: str = "") -> Reply:
    return sync(
        {"status": status, "status_code": 200 if not err else 400, "err": err, "metadata": {"return": code}}
    )


def running() -> Reply:
    return sync({"status": "Running", "status_code": 103, "err": "", "metadata": None})


@contextmanager
def incus(folder: Path, script: dict[str, Answer]) -> Iterator[IncusStub]:
    """A scripted Incus on a unix socket in `folder`; an unscripted request fails the test at the end."""
    stub = IncusStub(script, socket=folder / "unix.socket")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            lowered = {name.lower(): value for name, value in self.headers.items()}
            reply = stub.answer(Request(self.command, url.path, query, lowered, body))
            if reply == HANG_UP:
                self.close_connection = True
                return
            status, content = reply
            raw = isinstance(content, bytes)
            sent = content if raw else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream" if raw else "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - as http.server looks for them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(stub.socket), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield stub
        finally:
            server.shutdown()
    assert stub.unscripted == []
