"""The program that asks Docker Hub, run against a server of our making."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ccci_host.facts.hub_account import PROGRAM
from tests.unit.programs import interpreters, run

pytestmark = pytest.mark.parametrize("python", interpreters())
LIMIT_HEADERS = {
    "RateLimit-Limit": "200;w=21600",
    "RateLimit-Remaining": "9;w=21600",
    "Docker-RateLimit-Source": "id",
}


class Hub(ThreadingHTTPServer):
    """Knows one account, and what its PAT may do."""

    actions: tuple[str, ...] = ("pull",)
    token_status = 200
    manifest_status = 200
    seen: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        scope = parse_qs(url.query)["scope"][0]
        self.server.seen.append(f"GET {scope}")
        login = base64.b64encode(b"me:right").decode()
        given = self.headers.get("Authorization")
        if given not in (None, f"Basic {login}"):
            return self.answer(401, {"details": "incorrect username or password"})
        _, name, asked = scope.split(":")
        actions = [action for action in asked.split(",") if action in self.server.actions]
        claims = base64.urlsafe_b64encode(
            json.dumps({"access": [{"name": name, "actions": actions}]}).encode()
        )
        return self.answer(self.server.token_status, {"token": f"h.{claims.decode().rstrip('=')}.s"})

    def do_HEAD(self) -> None:
        self.server.seen.append(f"HEAD {self.path}")
        self.answer(self.server.manifest_status, None, LIMIT_HEADERS)

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(python: str, port: int, *, account: str | None = "me", pat: str | None = "right") -> Any:
    asked = {
        "account": account,
        "pat": pat,
        "auth_url": f"http://127.0.0.1:{port}/token",
        "registry_url": f"http://127.0.0.1:{port}",
        "service": "registry.docker.io",
        "repository": "ratelimitpreview/test",
        "tag": "latest",
        "push_to": "me/x" if account else None,
    }
    return run(python, PROGRAM, asked)


def test_an_account_that_reads(python: str, hub: Hub) -> None:
    answer = ask(python, hub.server_port)

    assert answer["outcome"] == "accepted"
    assert answer["push_scopes"] == ["me/x:pull"]
    assert answer["limits"] == {
        "status": 200,
        "ratelimit-limit": "200;w=21600",
        "ratelimit-remaining": "9;w=21600",
        "docker-ratelimit-source": "id",
    }
    assert "HEAD /v2/ratelimitpreview/test/manifests/latest" in hub.seen
    assert not any("manifests" in line for line in hub.seen if line.startswith("GET")), (
        "a GET would cost quota"
    )


def test_an_account_that_can_push(python: str, hub: Hub) -> None:
    hub.actions = ("pull", "push")

    assert "me/x:push" in ask(python, hub.server_port)["push_scopes"]


def test_nobody_has_a_bucket_too(python: str, hub: Hub) -> None:
    answer = ask(python, hub.server_port, account=None, pat=None)

    assert (answer["outcome"], answer["push_scopes"]) == ("accepted", [])


def test_a_wrong_pat_is_refused(python: str, hub: Hub) -> None:
    assert ask(python, hub.server_port, pat="wrong") == {"outcome": "refused"}


def test_a_token_service_in_trouble_refuses_nobody(python: str, hub: Hub) -> None:
    hub.token_status = 503

    assert ask(python, hub.server_port) == {"outcome": "trouble", "reason": "the token service answered 503"}


def test_an_exhausted_bucket_is_told_all_the_same(python: str, hub: Hub) -> None:
    hub.manifest_status = 429

    assert ask(python, hub.server_port)["limits"]["status"] == 429


def test_nobody_at_home_is_trouble(python: str) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        answer = ask(python, port)

    assert answer["outcome"] == "trouble"
    assert answer["reason"].startswith(f"127.0.0.1:{port}: ")
