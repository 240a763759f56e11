"""The program that asks registries, against a registry of the test's with a token service."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ccci_host.facts.manifests import PROGRAM
from tests.unit import programs
from tests.unit.facts.scripted_http import Said, scripted

DIGEST = "sha256:" + "d" * 64
LOGIN = base64.b64encode(b"me:not-a-real-pat").decode()


class Registry:
    """What it has, and what it was asked."""

    def __init__(self) -> None:
        self.has = {"/v2/org/app/manifests/1": DIGEST}
        self.asked: list[tuple[str, str, str]] = []
        self.address = ""
        self.ill = False


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            made.asked.append(("HEAD", self.path, self.headers.get("Authorization") or ""))
            if made.ill:
                return self.say(500)
            if self.headers.get("Authorization") != "Bearer a-token":
                realm = f'Bearer realm="http://{made.address}/token",service="reg"'
                return self.say(401, {"WWW-Authenticate": realm})
            digest = made.has.get(self.path)
            return self.say(200, {"Docker-Content-Digest": digest}) if digest else self.say(404)

        def do_GET(self) -> None:
            made.asked.append(("GET", self.path, self.headers.get("Authorization") or ""))
            self.say(200, body=json.dumps({"token": "a-token"}).encode())

        def say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(params=programs.interpreters())
def ask(request: pytest.FixtureRequest, registry: Registry, tmp_path: Path) -> Any:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {registry.address: {"auth": LOGIN}}}))
    plain = PROGRAM.replace('"https://', '"http://')  # the test's registry has no certificate

    def ask(reference: str, repository: str = "org/app", at: str = "") -> Any:
        asked = {"registry": at or registry.address, "repository": repository, "reference": reference}
        payload = {"references": [asked], "docker_config": str(config)}
        (answer,) = programs.run(request.param, plain, payload)
        return answer

    return ask


def test_what_a_registry_has(ask: Any, registry: Registry) -> None:
    assert ask("1") == {"found": True, "digest": DIGEST}
    manifests = [asked for asked in registry.asked if "/manifests/" in asked[1]]
    assert {method for method, _, _ in manifests} == {"HEAD"}, "a HEAD costs no quota"
    (token,) = [asked for asked in registry.asked if asked[1].startswith("/token")]
    assert token[2] == f"Basic {LOGIN}"


def test_what_a_registry_has_not(ask: Any) -> None:
    assert ask("2") == {"found": False}


def test_a_registry_that_is_ill_says_nothing(ask: Any, registry: Registry) -> None:
    registry.ill = True
    assert "answered 500" in ask("1")["trouble"]


def test_a_registry_that_is_not_there_says_nothing(ask: Any, registry: Registry) -> None:
    registry.address = "127.0.0.1:1"
    assert "127.0.0.1:1" in ask("1")["trouble"]


def test_a_token_service_without_https_is_not_shown_the_login(registry: Registry, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {registry.address: {"auth": LOGIN}}}))
    plain = PROGRAM.replace('f"https://', 'f"http://')  # and the token service's address as it has to be
    asked = {"registry": registry.address, "repository": "org/app", "reference": "1"}
    payload = {"references": [asked], "docker_config": str(config)}
    (answer,) = programs.run(programs.OURS, plain, payload)
    assert "no https address" in answer["trouble"]
    assert [method for method, _, _ in registry.asked] == ["HEAD"]


@pytest.mark.parametrize("front_asks", [False, True])
def test_a_registry_that_is_sent_on_to_is_asked_as_nobody(
    ask: Any, registry: Registry, tmp_path: Path, front_asks: bool
) -> None:
    with scripted() as front:
        realm = f'Bearer realm="http://{front.address}/token",service="front"'

        def answer(what: str, headers: Any) -> Said:
            if what == "GET /token":
                return 200, {}, b'{"token": "front"}'
            if front_asks and headers["Authorization"] != "Bearer front":
                return 401, {"WWW-Authenticate": realm}, b""
            return 307, {"Location": f"http://{registry.address}/v2/org/app/manifests/1"}, b""

        front.script = answer
        auths = {front.address: {"auth": LOGIN}, registry.address: {"auth": LOGIN}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
        assert ask("1", "org/other", front.address) == {"found": True, "digest": DIGEST}
    assert {login for _, _, login in registry.asked} == {"", "Bearer a-token"}
    (token,) = [path for _, path, _ in registry.asked if path.startswith("/token")]
    assert "org%2Fapp" in token
