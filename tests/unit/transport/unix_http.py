"""A daemon on a unix socket that answers each request with bytes from a script."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def daemon(path: Path, script: dict[str, bytes]) -> Iterator[list[bytes]]:
    """Answers `METHOD /path` with the raw bytes that `script` has for it; gives the requests that came in.

    The connection is closed after each answer, as dockerd does when it is asked to.
    """
    seen: list[bytes] = []
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listening.accept()
                with wire:
                    request = wire.recv(1 << 20)
                    seen.append(request)
                    line = b" ".join(request.split(b" ")[:2]).decode()
                    wire.sendall(script.get(line, b"HTTP/1.1 501 Unscripted\r\n\r\n" + line.encode()))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def http_answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked_answer(*chunks: bytes) -> bytes:
    """A response in chunks."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
