"""An HTTP server on this machine that answers from a script, and remembers what it was asked."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Said = tuple[int, dict[str, str], bytes]
"""Status, headers, and a body."""


class Scripted(ThreadingHTTPServer):
    """Answers by `script`, from `METHOD /path` and the headers; what that has no word for is a 501."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: Callable[[str, Any], Said | None] = lambda _what, _headers: None
        self.asked: list[tuple[str, str]] = []
        """`METHOD /path` without its query, and the login shown or nothing."""
        self.address = f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        what = f"{self.command} {self.path.partition('?')[0]}"
        self.server.asked.append((what, self.headers.get("Authorization", "")))
        status, headers, body = self.server.script(what, self.headers) or (501, {}, b"")
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # who asked may have heard enough
            self.wfile.write(b"" if self.command == "HEAD" else body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextlib.contextmanager
def scripted() -> Iterator[Scripted]:
    """A server that answers until the end of the block."""
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
