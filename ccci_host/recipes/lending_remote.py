"""A way to the Docker daemon that lends the login. Runs on the host: Python 3.9, standard library only.

A harness that deploys through the API and sends no login has its images resolved and pulled anonymously,
though `docker login` was done (fact 11). This program listens on a socket of its own and hands every request
on to the daemon as it came, but for those that resolve an image, create a service or update one: where they
carry no login, they get the one that the docker configuration has for the image's registry, as
`--with-registry-auth` would send it.

Arguments: the socket to make, and the docker configuration's path. It says `ready` once it listens.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import socketserver
import sys
import threading
import urllib.parse
from pathlib import Path

DOCKER_SOCKET = "/var/run/docker.sock"
HUB_KEY = "https://index.docker.io/v1/"
LENT = re.compile(
    r"(?:/v[0-9.]+)?/(?:distribution/(?P<image>[^?]+)/json|services/create|services/[^/?]+/update)(?:\?.*)?"
)
HEADER = "x-registry-auth"
NOTHING = ("", "e30=", "e30")
"""What a client sends that has no login: nothing, or `{}` in base64."""
MOST_HEAD = 1 << 16
CHUNK = 1 << 16


class Request:
    """The head of a request, and what of its body has arrived."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.first = first
        self.headers = [line.partition(":")[::2] for line in lines if line]
        self.body = body

    def header(self, name: str) -> str:
        """The value of a header, or nothing."""
        return next((value.strip() for key, value in self.headers if key.strip().lower() == name), "")

    def set_header(self, name: str, value: str) -> None:
        """Put a header in the place of all of that name."""
        kept = [(key, old) for key, old in self.headers if key.strip().lower() != name.lower()]
        self.headers = [*kept, (name, f" {value}")]

    @property
    def path(self) -> str:
        """With its query."""
        return [*self.first.split(" "), ""][1]

    @property
    def is_upgrade(self) -> bool:
        """Whether the connection becomes a stream of another kind."""
        return bool(self.header("upgrade"))

    def wire(self) -> bytes:
        """As it goes to the daemon."""
        lines = [self.first, *(f"{key}:{value}" for key, value in self.headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


def arrived(client: socket.socket) -> Request | None:
    """The next request, whole where its body has to be looked at; None when the client has gone."""
    text = b""
    while b"\r\n\r\n" not in text:
        more = client.recv(CHUNK)
        if not more or len(text) > MOST_HEAD:
            return None
        text += more
    head, _, body = text.partition(b"\r\n\r\n")
    request = Request(head, body)
    if LENT.fullmatch(request.path):
        left = int(request.header("content-length") or 0) - len(body)
        while left > 0:
            more = client.recv(min(left, CHUNK))
            if not more:
                return None
            request.body += more
            left -= len(more)
    return request


def lend(request: Request, config: str) -> None:
    """Add the login where the request is of those that need one and carries none."""
    found = LENT.fullmatch(request.path)
    if found is None or request.header(HEADER) not in NOTHING:
        return
    image = urllib.parse.unquote(found["image"]) if found["image"] else image_of(request.body)
    login = login_for(registry_of(image), config) if image else None
    if login is not None:
        request.set_header("X-Registry-Auth", base64.urlsafe_b64encode(json.dumps(login).encode()).decode())


def image_of(body: bytes) -> str:
    """The image of a service's spec; nothing where the body is none that can be read."""
    try:
        return str(json.loads(body)["TaskTemplate"]["ContainerSpec"]["Image"])
    except (ValueError, KeyError, TypeError):
        return ""


def registry_of(image: str) -> str:
    """The registry of a reference as Docker reads it."""
    first, slash, _ = image.partition("/")
    own = slash and ("." in first or ":" in first or first == "localhost")
    return first if own and first not in ("docker.io", "index.docker.io") else "docker.io"


def login_for(registry: str, config: str) -> dict[str, str] | None:
    """The login of the docker configuration for `registry`, as the API takes it; None when it has none."""
    try:
        entries = json.loads(Path(config).read_text()).get("auths") or {}
    except (OSError, ValueError, AttributeError):
        return None
    keys = (HUB_KEY,) if registry == "docker.io" else (registry, f"https://{registry}")
    for key in keys:
        entry = entries.get(key) or {}
        if entry.get("identitytoken"):
            return {"identitytoken": entry["identitytoken"], "serveraddress": key}
        if entry.get("auth"):
            user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
            return {"username": user, "password": password, "serveraddress": key}
    return None


class Handler(socketserver.BaseRequestHandler):
    """One connection: one request, for every later one would go by unseen."""

    def handle(self) -> None:
        """Hand the request on, then bytes either way until the daemon hangs up."""
        client: socket.socket = self.request
        request = arrived(client)
        if request is None:
            return
        lend(request, sys.argv[2])
        if not request.is_upgrade:
            request.set_header("Connection", "close")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
            daemon.connect(DOCKER_SOCKET)
            daemon.sendall(request.wire())
            onward = threading.Thread(target=copy, args=(client, daemon, request.is_upgrade), daemon=True)
            onward.start()
            copy(daemon, client, True)


def copy(source: socket.socket, target: socket.socket, hangs_up: bool) -> None:
    """Bytes from one to the other until the former ends.

    dockerd takes an end of the client's side for a client that has lost interest, so it is passed on only
    where the connection has become a stream.
    """
    try:
        while True:
            piece = source.recv(CHUNK)
            if not piece:
                break
            target.sendall(piece)
        if hangs_up:
            target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side has gone: nobody is left to tell


class Server(socketserver.ThreadingUnixStreamServer):
    """A thread a connection."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Listen until somebody ends this program."""
    with Server(sys.argv[1], Handler) as server:
        Path(sys.argv[1]).chmod(0o600)
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
