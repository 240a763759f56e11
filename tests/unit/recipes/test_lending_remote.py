"""The way to the daemon that lends the login: which requests get one, and that all else goes by unchanged."""

import base64
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccci_host.recipes import lending_remote
from ccci_host.recipes.command import LENDING
from ccci_host.recipes.lending_remote import HUB_KEY, Request, lend

HUB = {"username": "me", "password": "a:b", "serveraddress": HUB_KEY}
GHCR = {"identitytoken": "t", "serveraddress": "ghcr.io"}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    auths = {HUB_KEY: {"auth": base64.b64encode(b"me:a:b").decode()}, "ghcr.io": {"identitytoken": "t"}}
    path.write_text(json.dumps({"auths": auths}))
    return str(path)


def spec(image: str) -> bytes:
    return json.dumps({"TaskTemplate": {"ContainerSpec": {"Image": image}}}).encode()


def lent(line: str, config: str, body: bytes = b"", headers: str = "") -> Any:
    """The login that the request carries in the end."""
    request = Request(f"{line} HTTP/1.1\r\nHost: docker{headers}".encode(), body)
    lend(request, config)
    said = request.header("X-Registry-Auth".lower())
    return json.loads(base64.urlsafe_b64decode(said)) if said else None


@pytest.mark.parametrize(
    ("line", "body", "login"),
    [
        ("GET /v1.45/distribution/harbour/guestbook:1.0/json", b"", HUB),
        ("GET /distribution/docker.io/library/nginx/json", b"", HUB),
        ("GET /v1.45/distribution/nginx@sha256%3Aab/json", b"", HUB),
        ("GET /v1.45/distribution/ghcr.io/harbour/relay:2/json", b"", GHCR),
        ("GET /v1.45/distribution/quay.io/a/b/json", b"", None),
        ("POST /v1.45/services/create", spec("harbour/guestbook:1.0@sha256:ab"), HUB),
        ("POST /services/abc/update?version=3&registryAuthFrom=spec", spec("ghcr.io/a/b:1"), GHCR),
        ("POST /services/create", spec("quay.io/a/b:1"), None),
        ("POST /services/create", b"no JSON", None),
        ("GET /v1.45/services/create-me", b"", None),
        ("GET /v1.45/images/nginx/json", b"", None),
        ("POST /v1.45/images/create?fromImage=nginx", b"", None),
    ],
)
def test_what_resolves_or_makes_a_service_gets_the_login_of_its_registry(
    line: str, body: bytes, login: Any, config: str
) -> None:
    assert lent(line, config, body) == login


def test_a_login_of_the_harness_stays(config: str) -> None:
    own = base64.urlsafe_b64encode(b'{"username":"harness"}').decode()
    line = "POST /services/create"
    assert lent(line, config, spec("nginx"), f"\r\nX-Registry-Auth: {own}") == {"username": "harness"}
    assert lent(line, config, spec("nginx"), "\r\nX-Registry-Auth: e30=") == HUB, "that is an empty one"


@pytest.mark.parametrize("content", ["no JSON", '{"auths": {}}', "[]"])
def test_without_a_login_there_is_none_to_lend(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    assert lent("GET /distribution/nginx/json", str(tmp_path / "config.json")) is None
    assert lent("GET /distribution/nginx/json", str(tmp_path / "absent.json")) is None


class Daemon:
    """Answers every connection once, by what it heard, and hangs up; an upgrade it echoes."""

    def __init__(self, path: Path) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                heard = b""
                while b"\r\n\r\n" not in heard:
                    heard += connection.recv(1000)
                head, _, body = heard.partition(b"\r\n\r\n")
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        while len(body) < int(line.split(b":")[1]):
                            body += connection.recv(1000)
                self.heard.append(head + b"\r\n\r\n" + body)
                if b"Upgrade: tcp" in head:
                    connection.sendall(b"HTTP/1.1 101 UPGRADED\r\n\r\n" + body.upper())
                    while piece := connection.recv(1000):
                        connection.sendall(piece.upper())
                else:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 200_000)


@pytest.fixture
def way(tmp_path: Path, config: str) -> Iterator[tuple[Path, Daemon]]:
    daemon = Daemon(tmp_path / "daemon.sock")
    program = LENDING.replace(lending_remote.DOCKER_SOCKET, str(tmp_path / "daemon.sock"))
    path = tmp_path / "way.sock"
    argv = [sys.executable, "-I", "-c", program, str(path), config]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as relay:
        assert relay.stdout is not None
        assert relay.stdout.readline() == b"ready\n"
        yield path, daemon
        relay.kill()


def exchanged(path: Path, *pieces: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while more := client.recv(1 << 16):
            answer += more
        return answer


def test_it_is_for_root_alone_and_hands_on_what_is_asked(way: tuple[Path, Daemon]) -> None:
    path, daemon = way
    assert path.stat().st_mode & 0o777 == 0o600
    body = spec("harbour/guestbook:1.0") + b" " * 5000
    head = b"POST /services/create HTTP/1.1\r\nHost: docker\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = exchanged(path, head, body[:10], body[10:])
    assert answer.endswith(b"x" * 200_000)
    [heard] = daemon.heard
    assert heard.endswith(body)
    assert b"X-Registry-Auth: " in heard
    assert b"Connection: close" in heard, "a later request on the connection would go by unseen"


def test_what_needs_no_login_goes_by_as_it_came(way: tuple[Path, Daemon]) -> None:
    path, daemon = way
    exchanged(path, b"GET /_ping HTTP/1.1\r\nHost: docker\r\nX-Own: 1\r\n\r\n")
    assert daemon.heard == [b"GET /_ping HTTP/1.1\r\nHost: docker\r\nX-Own: 1\r\nConnection: close\r\n\r\n"]


def test_a_connection_that_becomes_a_stream_is_one(way: tuple[Path, Daemon]) -> None:
    path, _ = way
    head = b"POST /exec/1/start HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    assert exchanged(path, head, b"hello").endswith(b"\r\n\r\nHELLO")
