"""The host program that asks registries: HEAD only, the token for the registry alone."""

import base64
import email.message
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.witnesses import registry_remote
from ccci_host.witnesses.program import source
from ccci_host.witnesses.registry_remote import HUB_KEY, Registries, Registry, Value
from tests.unit import programs
from tests.unit.facts.scripted_http import Said, Scripted, scripted

CHALLENGE = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'


class Answer:
    """What urllib gives, as far as the program looks."""

    def __init__(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.status = status
        self.headers = email.message.Message()
        for name, value in (headers or {}).items():
            self.headers[name] = value
        self.url = ""
        self._body = body

    def close(self) -> None:
        return

    def read(self) -> bytes:
        return self._body


class Wire:
    """Answers requests in their order and remembers them."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str | None]] = []

    def __call__(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        self.asked.append((method, url, headers.get("Authorization")))
        answer = self.answers.pop(0)
        answer.url = url
        return answer


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    auth = base64.b64encode(b"me:word").decode()
    path.write_text(json.dumps({"auths": {HUB_KEY: {"auth": auth}}}))
    return path


def wired(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> Wire:
    wire = Wire(*answers)

    def ask(registry: Registry, method: str, url: str, headers: dict[str, str]) -> Answer:
        return wire(method, url, headers)

    monkeypatch.setattr(Registry, "ask", ask)
    return wire


def token(word: str = "t") -> Answer:
    return Answer(200, body=json.dumps({"token": word}).encode())


def test_a_bucket_is_read_by_head_with_the_accounts_token(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = wired(
        monkeypatch,
        Answer(401, {"WWW-Authenticate": CHALLENGE}),
        token(),
        Answer(200, {"ratelimit-remaining": "5;w=21600"}),
    )
    said = registry_remote.bucket(
        Registries(config, "x"), {"as": "account", "repository": "r/t", "tag": "latest"}
    )
    assert said["account"] == "me"
    assert said["headers"] == {
        "ratelimit-limit": None,
        "ratelimit-remaining": "5;w=21600",
        "docker-ratelimit-source": None,
    }
    assert [method for method, _, _ in wire.asked] == ["HEAD", "GET", "HEAD"]
    assert wire.asked[1][2] == f"Basic {base64.b64encode(b'me:word').decode()}"
    assert wire.asked[1][1].startswith("https://auth.docker.io/token?service=registry.docker.io&scope=")
    assert wire.asked[2][2] == "Bearer t"


def test_the_anonymous_bucket_is_asked_without_the_account(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = wired(monkeypatch, Answer(401, {"WWW-Authenticate": CHALLENGE}), token(), Answer(200))
    said = registry_remote.bucket(
        Registries(config, "x"), {"as": "anonymous", "repository": "r/t", "tag": "latest"}
    )
    assert said["account"] is None
    assert wire.asked[1][2] is None


def test_without_a_login_the_accounts_bucket_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = wired(monkeypatch)
    said = registry_remote.bucket(
        Registries(tmp_path / "none.json", "x"), {"as": "account", "repository": "r", "tag": "t"}
    )
    assert "no login" in said["problem"]
    assert wire.asked == []


def test_a_configuration_may_hold_no_logins_in_so_many_words(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": null}')
    assert Registries(tmp_path / "config.json", "x").account() == ""


@pytest.mark.parametrize("python", programs.interpreters())
def test_a_blob_is_followed_to_where_it_lies_without_the_token(python: str) -> None:
    with scripted() as registry, scripted() as store:
        onward = {"Location": f"http://{store.address}/blob"}
        guarded_by_tokens(registry, "t", lambda _: (308, onward, b""))
        store.script = lambda *_: (200, {"Content-Length": "42"}, b"")
        said = asked_plainly(python, sizes=[layers_of(registry.address)])
    assert said["sizes"] == [{"layers": [{"digest": "sha256:b", "size": 42}]}]
    assert store.asked == [("HEAD /blob", "")]


def guarded_by_tokens(registry: Scripted, word: str, has: Callable[[str], Said]) -> None:
    """Have a registry answer by `has`, to whoever shows the token `word`, which it gives to all."""

    def answer(what: str, headers: Any) -> Said:
        if what == "GET /token":
            return 200, {}, json.dumps({"token": word}).encode()
        if headers["Authorization"] != f"Bearer {word}":
            realm = f'Bearer realm="http://{registry.address}/token",service="s"'
            return 401, {"WWW-Authenticate": realm}, b""
        return has(what)

    registry.script = answer


def with_login(config: Path, *registries: Scripted) -> str:
    login = {"auth": base64.b64encode(b"me:word").decode()}
    config.write_text(json.dumps({"auths": {registry.address: login for registry in registries}}))
    return str(config)


@pytest.mark.parametrize("python", programs.interpreters())
@pytest.mark.parametrize("asks_first", [False, True])
def test_a_registry_that_is_sent_on_to_is_asked_as_nobody(
    python: str, config: Path, asks_first: bool
) -> None:
    with scripted() as front, scripted() as back:

        def onward(what: str) -> Said:
            return 302, {"Location": f"http://{back.address}{what.split()[1].replace('org', 'far')}"}, b""

        def has(what: str) -> Said:
            digest = {"Docker-Content-Digest": "sha256:m"} if "manifests" in what else {}
            return 200, {"Content-Length": "7", **digest}, b""

        if asks_first:
            guarded_by_tokens(front, "front", onward)
        else:
            front.script = lambda what, _: onward(what)
        guarded_by_tokens(back, "back", has)
        said = asked_plainly(
            python,
            with_login(config, front, back),
            manifests=[{"registry": front.address, "repository": "org/a", "reference": "1"}],
            sizes=[{**layers_of(front.address), "digests": [["sha256:b"], ["sha256:c"]]}],
        )
    assert said["manifests"] == [{"status": 200, "digest": "sha256:m"}]
    assert [layer["size"] for layer in said["sizes"][0]["layers"]] == [7, 7]
    assert {login for _, login in back.asked} == {"", "Bearer back"}
    assert [what for what, _ in back.asked].count("GET /token") == 1
    assert {login for what, login in front.asked if what != "GET /token"} <= {"", "Bearer front"}
    assert ("HEAD /v2/far/a/manifests/1", "Bearer back") in back.asked


def test_a_store_that_is_no_registry_is_asked_for_no_token() -> None:
    with scripted() as registry, scripted() as store:
        registry.script = lambda *_: (307, {"Location": f"http://{store.address}/bucket/b?signed=1"}, b"")
        store.script = lambda *_: (401, {}, b"")
        said = asked_plainly(programs.OURS, sizes=[layers_of(registry.address)])
    assert said["sizes"] == [{"layers": [None]}]


@pytest.mark.parametrize("python", programs.interpreters())
@pytest.mark.parametrize("heeds_ranges", [False, True])
def test_a_blob_that_no_head_tells_of_is_asked_for_one_byte(python: str, heeds_ranges: bool) -> None:
    endless = {"Content-Length": str(1 << 40)}
    part = {"Content-Range": "bytes 0-0/1099511627776"}
    with scripted() as registry, scripted() as store:

        def has(what: str) -> Said:
            if what.startswith("HEAD"):
                return 401, {}, b""
            return 307, {"Location": f"http://{store.address}/blob"}, b""

        def stored(_what: str, headers: Any) -> Said:
            assert headers["Range"] == "bytes=0-0"
            return (206, part, b"x") if heeds_ranges else (200, endless, b"x" * 100_000)

        guarded_by_tokens(registry, "t", has)
        store.script = stored
        two = {**layers_of(registry.address), "digests": [["sha256:b"], ["sha256:c"]]}
        said = asked_plainly(python, sizes=[two])
    assert [layer["size"] for layer in said["sizes"][0]["layers"]] == [1 << 40] * 2
    assert store.asked == [("GET /blob", "")] * 2


@pytest.mark.parametrize("headers", [{}, {"Content-Range": "bytes 0-0/*"}])
def test_a_range_of_nobody_knows_how_much_tells_no_size(
    config: Path, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    wired(monkeypatch, Answer(403), Answer(206, headers))
    assert Registries(config, "x").registry("ghcr.io").size("a", "sha256:b") is None


def test_a_blob_that_is_not_there_is_not_asked_for_again(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = wired(monkeypatch, Answer(404))
    assert Registries(config, "x").registry("ghcr.io").size("a", "sha256:b") is None
    assert [method for method, _, _ in wire.asked] == ["HEAD"]


def layers_of(registry: str) -> Value:
    return {"registry": registry, "repository": "org/a", "digests": [["sha256:b"]]}


def asked_plainly(python: str, config: str = "/nowhere", **questions: list[Value]) -> Any:
    """What the program says of registries without a certificate, as those of the tests are."""
    plain = source("registry").replace('"https://', '"http://')
    return programs.run(python, plain, {"config": config, "agent": "x", **questions})


def test_a_registry_that_keeps_its_own_logins_is_asked_with_them(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = base64.b64encode(b"me:other").decode()
    config.write_text(json.dumps({"auths": {"registry.example:5000": {"auth": auth}}}))
    wire = wired(
        monkeypatch,
        Answer(401, {"WWW-Authenticate": 'Basic realm="Registry Realm"'}),
        Answer(200, {"Content-Length": "7"}),
    )
    wanted = {"registry": "registry.example:5000", "repository": "app", "digests": [["sha256:a"]]}
    said = registry_remote.guarded(registry_remote.sizes, Registries(config, "x"), wanted)
    assert said == {"layers": [{"digest": "sha256:a", "size": 7}]}
    url = "https://registry.example:5000/v2/app/blobs/sha256:a"
    assert wire.asked == [("HEAD", url, None), ("HEAD", url, f"Basic {auth}")]


def test_the_alternatives_of_a_layer_are_tried_until_one_is_known(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wired(monkeypatch, Answer(404), Answer(200, {"Content-Length": "7"}), Answer(404))
    wanted = {"registry": "ghcr.io", "repository": "a", "digests": [["one", "two"], ["three"], []]}
    said = registry_remote.sizes(Registries(config, "x"), wanted)
    assert said == {"layers": [{"digest": "two", "size": 7}, None, None]}


def test_a_refusal_is_told_from_a_service_that_is_ill(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registries = Registries(config, "x")
    wanted = {"as": "account", "repository": "r/t", "tag": "latest"}
    asks = Answer(401, {"WWW-Authenticate": CHALLENGE})
    wired(monkeypatch, asks, Answer(401, body=b"incorrect username or password"))
    refused = registry_remote.guarded(registry_remote.bucket, registries, wanted)
    assert refused == {"problem": "401: incorrect username or password", "refused": True}
    wired(monkeypatch, asks, Answer(503))
    ill = registry_remote.guarded(registry_remote.bucket, registries, wanted)
    assert "refused" not in ill
    assert "503" in ill["problem"]


def test_a_registry_that_is_ill_refuses_no_login(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registries = Registries(config, "x")
    wired(monkeypatch, Answer(503))
    said = registry_remote.guarded(registry_remote.login, registries, {"repository": "me/x"})
    assert said == {"problem": "OSError: the registry answered 503 where it asks for a login"}


def test_a_challenge_without_a_token_service_is_no_refusal(config: Path) -> None:
    with pytest.raises(OSError, match="names no token service"):
        Registries(config, "x").registry("docker.io").token("Basic", "r")


def test_what_a_login_may_do_stands_in_its_token(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = {"access": [{"type": "repository", "name": "me/x", "actions": ["pull", "push"]}]}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    wire = wired(monkeypatch, Answer(401, {"WWW-Authenticate": CHALLENGE}), token(f"h.{payload}.s"))
    said = registry_remote.login(Registries(config, "x"), {"repository": "me/x"})
    assert said == {"account": "me", "actions": ["pull", "push"]}
    assert "pull%2Cpush" in wire.asked[1][1]


def test_only_https_is_asked() -> None:
    with pytest.raises(OSError, match="no https address"):
        Registry("registry.example.org", None, "x").ask("HEAD", "http://registry.example.org/v2/", {})


def test_no_answer_holds_a_credential(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    wired(monkeypatch, Answer(200), Answer(200))
    wanted = {
        "config": str(config),
        "agent": "x",
        "buckets": [
            {"as": "account", "repository": "r/t", "tag": "l"},
            {"as": "anonymous", "repository": "r/t", "tag": "l"},
        ],
    }
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(wanted)))
    registry_remote.main()
    said = capsys.readouterr().out
    assert base64.b64encode(b"me:word").decode() not in said
    assert "word" not in said
    assert len(json.loads(said)["buckets"]) == 2


def test_a_configuration_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    path = tmp_path / "config.json"
    path.write_text("{")
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"config": str(path), "agent": "x"})))
    registry_remote.main()
    assert "cannot be read" in json.loads(capsys.readouterr().out)["problem"]
