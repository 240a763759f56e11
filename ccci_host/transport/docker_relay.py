"""Runs on the host: carries one HTTP exchange from standard input to Docker's socket and back.

Standard library only, Python ≥ 3.9; its source is shipped as it is. The request must ask for `Connection:
close`: the response ends where the daemon hangs up. The sending side stays open, since dockerd takes its end
for a client that has lost interest.
"""

import socket
import sys

NO_DAEMON = 111
"""Exit code that says: nobody listens on the socket."""


def relay(path: str, request: bytes) -> bytes:
    """The whole response to `request` from the socket at `path`; raises `OSError` when nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.connect(path)
        daemon.sendall(request)
        chunks: list[bytes] = []
        while True:
            chunk = daemon.recv(1 << 16)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)


def main(path: str) -> int:
    """Relay standard input to the socket at `path`, and the response to standard output."""
    try:
        response = relay(path, sys.stdin.buffer.read())
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror or error}\n")
        return NO_DAEMON
    sys.stdout.buffer.write(response)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
