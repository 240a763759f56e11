import asyncio
import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccci_host.lab.hub.access_log import AccessLog, LoggedApp
from ccci_host.lab.hub.accounts import ACCOUNT, READ_ONLY, READ_WRITE, REVOKED, STRANGER, AccountBook
from ccci_host.lab.hub.faults import Fault
from ccci_host.lab.hub.gateway import Gateway
from ccci_host.lab.hub.registries import Directory
from ccci_host.lab.hub.state import PRIVATE_REPOSITORY, LiveState
from ccci_host.lab.hub.tokens import Mint

LAYER = "sha256:" + "1" * 64
CONFIG = "sha256:" + "2" * 64
MANIFEST = json.dumps({"config": {"digest": CONFIG}, "layers": [{"digest": LAYER}]}).encode()
REPOSITORIES = ("docker.io/library/webfront", f"docker.io/{PRIVATE_REPOSITORY}", "ghcr.io/harbour/relay")


ADDRESS = "10.77.0.5"


def stored(content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        200, stream=httpx.ByteStream(content), headers={"content-length": str(len(content)), **named}
    )


def refused(code: str) -> httpx.Response:
    answer = stored(json.dumps({"errors": [{"code": code}]}).encode())
    answer.status_code = 404
    return answer


def real_registry(request: httpx.Request) -> httpx.Response:
    """Three repositories with the same image under the tag `1`."""
    path = request.url.path.removeprefix("/v2/")
    repository = next((name for name in REPOSITORIES if path.startswith(name + "/")), None)
    rest = path.removeprefix(f"{repository}/")
    if repository is None:
        return refused("NAME_UNKNOWN")
    if rest == "tags/list":
        return stored(b"{}")
    if rest == "manifests/1":
        return stored(MANIFEST, docker_content_digest="sha256:m", x_internal="not for clients")
    if rest == f"blobs/{LAYER}":
        return stored(b"\x1f\x8b" + b"x" * 98)
    if rest == f"blobs/{CONFIG}":
        return stored(b"{}")
    if rest == "blobs/uploads/":
        assert request.url.params.get("from") in (None, "docker.io/library/webfront")
        answer = stored(b"", location=f"/v2/{repository}/blobs/uploads/u1?_state=s")
        answer.status_code = 202
        return answer
    return refused("MANIFEST_UNKNOWN")


@dataclass
class World:
    """A gateway before a scripted registry, and clients that speak to it."""

    folder: Path
    book: AccountBook
    state: LiveState
    token_key: Path
    seen: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return real_registry(request)

        backend = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://backend")
        mint = Mint(self.token_key)
        directory = Directory(("ghcr.io",))
        self.gateway = Gateway(
            directory=directory, book=self.book, mint=mint, state=self.state, backend=backend
        )
        self.app = LoggedApp(self.gateway, AccessLog(self.folder / "log"))

    def request(self, host: str, method: str, path: str, **how: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=(ADDRESS, 4711))
            async with httpx.AsyncClient(transport=transport, base_url=f"https://{host}") as client:
                return await client.request(method, path, **how)

        return asyncio.run(ask())

    def ask_for_token(self, method: str = "GET", host: str = "auth.docker.io", **how: Any) -> httpx.Response:
        return self.request(host, method, "/token", **how)

    def pat(self, name: str = READ_ONLY, account: str = ACCOUNT) -> str:
        return self.book.accounts[account].pats[name].token.reveal()

    def token(
        self,
        scope: str,
        credentials: tuple[str, str] | None = None,
        *,
        host: str = "auth.docker.io",
    ) -> str:
        answer = self.ask_for_token(host=host, params={"scope": scope}, auth=credentials)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def ask(
        self,
        path: str,
        token: str | None = None,
        *,
        method: str = "GET",
        host: str = "registry-1.docker.io",
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.request(host, method, path, headers=headers, params=params)

    def pull(self, repository: str, credentials: tuple[str, str] | None = None) -> httpx.Response:
        return self.ask(
            f"/v2/{repository}/manifests/1", self.token(f"repository:{repository}:pull", credentials)
        )

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture(scope="module")
def token_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key for all: making one takes a third of a second."""
    return tmp_path_factory.mktemp("keys") / "tokens.key"


@pytest.fixture
def world(tmp_path: Path, token_key: Path) -> World:
    book = AccountBook.ensure(tmp_path / "accounts.json", tmp_path / "pats")
    return World(tmp_path, book, LiveState.load(tmp_path / "live.json"), token_key)


def test_a_client_without_a_token_learns_where_to_get_one(world: World) -> None:
    answer = world.ask("/v2/")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
    )
    answer = world.ask("/v2/library/webfront/manifests/1")
    assert 'scope="repository:library/webfront:pull"' in answer.headers["www-authenticate"]
    assert "error" not in answer.headers["www-authenticate"]


def test_login_verifies_the_pat(world: World) -> None:
    token = world.token("", (ACCOUNT, world.pat()))
    answer = world.ask("/v2/", token)
    assert answer.status_code == 200
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


@pytest.mark.parametrize("pat", ["wrong", REVOKED])
def test_a_bad_pat_is_refused_also_for_what_is_public(world: World, pat: str) -> None:
    password = world.pat(REVOKED) if pat == REVOKED else "wrong"
    answer = world.ask_for_token(
        params={"scope": "repository:library/webfront:pull"}, auth=(ACCOUNT, password)
    )
    assert answer.status_code == 401
    assert answer.json() == {"details": "incorrect username or password"}


def test_broken_basic_authentication_is_a_bad_password(world: World) -> None:
    for value in ("Basic ???", "Basic " + base64.b64encode(b"no colon").decode()):
        answer = world.ask_for_token(headers={"authorization": value})
        assert answer.status_code == 401


def test_containerd_gets_its_token_by_post(world: World) -> None:
    form = {
        "grant_type": "password",
        "username": ACCOUNT,
        "password": world.pat(),
        "service": "registry.docker.io",
        "scope": "repository:library/webfront:pull",
    }
    answer = world.ask_for_token("POST", data=form)
    assert answer.status_code == 200
    assert world.ask("/v2/library/webfront/manifests/1", answer.json()["access_token"]).status_code == 200
    form["password"] = "wrong"
    assert world.ask_for_token("POST", data=form).status_code == 401


def test_an_anonymous_client_pulls_what_is_public(world: World) -> None:
    answer = world.pull("library/webfront")
    assert answer.status_code == 200
    assert answer.content == MANIFEST
    assert answer.headers["docker-content-digest"] == "sha256:m"
    assert "x-internal" not in answer.headers


@pytest.mark.parametrize("repository", ["library/nothere", PRIVATE_REPOSITORY])
def test_an_unknown_repository_and_a_private_one_look_the_same(world: World, repository: str) -> None:
    for credentials in (None, (STRANGER, world.pat(account=STRANGER))):
        answer = world.pull(repository, credentials)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].endswith('error="insufficient_scope"')
        assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"


def test_the_owner_pulls_its_private_repository(world: World) -> None:
    assert world.pull(PRIVATE_REPOSITORY, (ACCOUNT, world.pat())).status_code == 200


def test_an_unknown_tag_is_another_answer_than_an_unknown_repository(world: World) -> None:
    token = world.token("repository:library/webfront:pull")
    answer = world.ask("/v2/library/webfront/manifests/9", token)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")


def test_only_the_powerful_pat_pushes_and_only_into_its_namespace(world: World) -> None:
    def push(pat: str, repository: str) -> httpx.Response:
        token = world.token(f"repository:{repository}:pull,push", (ACCOUNT, world.pat(pat)))
        return world.ask(
            f"/v2/{repository}/blobs/uploads/",
            token,
            method="POST",
            params={"mount": LAYER, "from": "library/webfront"},
        )

    accepted = push(READ_WRITE, PRIVATE_REPOSITORY)
    assert accepted.status_code == 202
    assert accepted.headers["location"] == f"/v2/{PRIVATE_REPOSITORY}/blobs/uploads/u1?_state=s"
    assert push(READ_ONLY, PRIVATE_REPOSITORY).status_code == 401
    assert push(READ_WRITE, "library/webfront").status_code == 401


def test_get_costs_quota_and_head_does_not(world: World) -> None:
    world.state.budget.account_limit = 2
    account = world.book.accounts[ACCOUNT]
    token = world.token("repository:library/webfront:pull", (ACCOUNT, world.pat()))
    head = world.ask("/v2/library/webfront/manifests/1", token, method="HEAD")
    assert head.headers["ratelimit-limit"] == "2;w=21600"
    assert head.headers["ratelimit-remaining"] == "2;w=21600"
    assert head.headers["docker-ratelimit-source"] == account.id
    statuses = [world.ask("/v2/library/webfront/manifests/1", token).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert world.ask("/v2/library/webfront/manifests/1", token, method="HEAD").status_code == 200


def test_over_the_limit_the_refusal_is_the_registry_apis(world: World) -> None:
    world.gateway.budget.set_remaining(f"address:{ADDRESS}", 0)
    answer = world.pull("library/webfront")
    assert answer.status_code == 429
    assert answer.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert answer.headers["docker-ratelimit-source"] == ADDRESS
    assert world.pull("library/webfront", (ACCOUNT, world.pat())).status_code == 200


def test_a_manifest_that_is_not_there_costs_nothing(world: World) -> None:
    token = world.token("repository:library/webfront:pull")
    world.ask("/v2/library/webfront/manifests/9", token)
    assert world.gateway.budget.remaining(f"address:{ADDRESS}") == 100


def test_blobs_cost_nothing_and_say_nothing_of_the_limit(world: World) -> None:
    token = world.token("repository:library/webfront:pull")
    answer = world.ask(f"/v2/library/webfront/blobs/{LAYER}", token)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if "ratelimit" in name]
    assert world.gateway.budget.remaining(f"address:{ADDRESS}") == 100


def test_another_registry_has_neither_account_nor_budget(world: World) -> None:
    token = world.token("repository:harbour/relay:pull", host="ghcr.io")
    answer = world.ask("/v2/harbour/relay/manifests/1", token, host="ghcr.io")
    assert answer.status_code == 200
    assert "ratelimit-limit" not in answer.headers
    refused = world.ask_for_token(host="ghcr.io", auth=(ACCOUNT, world.pat()))
    assert refused.status_code == 401


def test_registries_do_not_see_each_others_repositories(world: World) -> None:
    token = world.token("repository:library/webfront:pull", host="ghcr.io")
    assert world.ask("/v2/library/webfront/manifests/1", token, host="ghcr.io").status_code == 401
    hub = world.token("repository:library/webfront:pull")
    assert world.ask("/v2/library/webfront/manifests/1", hub, host="ghcr.io").status_code == 401


def test_the_log_tells_who_asked_for_what(world: World) -> None:
    credentials = (ACCOUNT, world.pat())
    world.pull("library/webfront", credentials)
    token = world.token("repository:library/webfront:pull", credentials)
    for digest in (LAYER, CONFIG):
        world.ask(f"/v2/library/webfront/blobs/{digest}", token)
    lines = [
        (line["account"], line["kind"], line["reference"], line["digest"], line["status"], line["bytes"])
        for line in world.log()
        if line["kind"] != "token"
    ]
    assert lines == [
        (ACCOUNT, "manifest", "1", "sha256:m", 200, len(MANIFEST)),
        (ACCOUNT, "layer", None, LAYER, 200, 100),
        (ACCOUNT, "config", None, CONFIG, 200, 2),
    ]
    assert {line["registry"] for line in world.log()} == {"docker.io"}
    assert {line["repository"] for line in world.log()} == {"library/webfront"}


def test_a_blob_without_its_manifest_is_looked_at(world: World) -> None:
    token = world.token("repository:library/webfront:pull")
    world.ask(f"/v2/library/webfront/blobs/{CONFIG}", token)
    assert world.log()[-1]["kind"] == "config"


def test_no_secret_reaches_the_log(world: World) -> None:
    world.pull("library/webfront", (ACCOUNT, world.pat()))
    world.ask_for_token(auth=(ACCOUNT, "hunter2"))
    text = (world.folder / "log").read_text()
    assert world.pat() not in text
    assert "hunter2" not in text
    assert world.log()[-1]["account"] == ACCOUNT


def test_faults_answer_in_the_registrys_place(world: World) -> None:
    token = world.token("repository:library/webfront:pull")
    before = len(world.seen)
    number = world.state.faults.inject(Fault(effect="status", status=503, kind="manifest", times=1))
    answer = world.ask("/v2/library/webfront/manifests/1", token)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")
    assert len(world.seen) == before
    assert world.state.faults.bitten[number] == 1
    assert world.ask("/v2/library/webfront/manifests/1", token).status_code == 200


def test_the_token_service_fails_where_a_fault_says_so(world: World) -> None:
    world.state.faults.inject(Fault(effect="status", status=500, kind="token"))
    answer = world.ask_for_token()
    assert answer.status_code == 500


def test_every_accept_line_reaches_the_real_registry(world: World) -> None:
    token = world.token("repository:library/webfront:pull")
    headers = [("authorization", f"Bearer {token}"), ("accept", "a/a"), ("accept", "b/b")]
    world.request("registry-1.docker.io", "GET", "/v2/library/webfront/manifests/1", headers=headers)
    assert "a/a, b/b" in world.seen[-1].headers["accept"]


def test_the_rest_of_the_world_is_not_here(world: World) -> None:
    assert world.ask("/v2/", host="example.com").status_code == 421
    assert world.ask("/token").status_code == 404
    assert world.ask("/v2/_catalog").status_code == 404
    assert world.ask("/v2/", host="auth.docker.io").status_code == 404
