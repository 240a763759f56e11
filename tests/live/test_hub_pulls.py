"""Real Docker against the stand-in: logins, pulls, and what a pull asks for."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from ccci_host.lab import Lab
from ccci_host.lab.hub import ACCOUNT, READ_ONLY, REVOKED, STRANGER, Fault
from ccci_host.transport import Machine, open_machine
from ccci_host.transport.executor import Completed
from ccci_host.waiting import wait_until
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

STORES = ("classic", "containerd")


@dataclass
class Guest:
    """An instance of the lab's own, and what the stand-in's log says of it alone."""

    machine: Machine
    store: str

    def __post_init__(self) -> None:
        self.hub = Lab.default().hub
        self.address = self.machine.instance.address()

    def docker(self, *words: str, stdin: str = "") -> Completed:
        return self.machine.executor.run(["docker", *words], input=stdin.encode(), timeout=120)

    def login(self, pat: str = READ_ONLY, account: str = ACCOUNT) -> Completed:
        password = self.hub.pat_file(pat, account).read_text()
        return self.docker("login", "--username", account, "--password-stdin", stdin=password)

    def forget(self) -> None:
        """No login, no service, no image."""
        self.docker("logout")
        services = self.docker("service", "ls", "--quiet").text.split()
        if services:
            self.docker("service", "rm", *services).check()
        wait_until(
            lambda: None if self.docker("ps", "--all", "--quiet").text else True,
            what="the containers to be gone",
            timeout=30,
        )
        images = self.docker("images", "--all", "--quiet", "--no-trunc").text.split()
        if images:
            self.docker("image", "rm", "--force", *sorted(set(images))).check()

    def requests(self) -> list[tuple[str, str, str | None]]:
        """Method, kind and account of what this guest got from a registry so far, tokens aside."""
        lines = [json.loads(line) for line in self.hub.access_log.read_text().splitlines()]
        return [
            (line["method"], line["kind"], line["account"])
            for line in lines
            if line["source"] == self.address
            and line["status"] == 200
            and line["kind"] not in ("token", "other")
        ]


@pytest.fixture(scope="module", params=STORES)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    name = f"pulls-{request.param}"
    with own_instance(name, store=request.param) as config:
        machine = open_machine(name, config.host[name])
        try:
            yield Guest(machine, request.param)
        finally:
            machine.close()


@pytest.fixture(autouse=True)
def _as_new(guest: Guest) -> Iterator[None]:
    guest.forget()
    yield
    guest.hub.control.withdraw_all()


def counted(requests: Sequence[tuple[str, str, str | None]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for method, kind, _ in requests:
        counts[f"{method} {kind}"] = counts.get(f"{method} {kind}", 0) + 1
    return counts


def test_docker_login_works_unchanged(guest: Guest) -> None:
    assert "Login Succeeded" in guest.login().check().text
    config = json.loads(guest.machine.run_repeatable(["cat", "/root/.docker/config.json"]).check().stdout)
    assert list(config["auths"]) == ["https://index.docker.io/v1/"]


def test_a_wrong_and_a_revoked_pat_are_refused_as_at_docker_hub(guest: Guest) -> None:
    wrong = guest.docker("login", "--username", ACCOUNT, "--password-stdin", stdin="wrong")
    for refused in (wrong, guest.login(REVOKED)):
        assert refused.exit_code != 0
        assert b"unauthorized: incorrect username or password" in refused.stderr


def test_who_may_not_see_a_private_repository_is_told_that_it_may_not_exist(guest: Guest) -> None:
    guest.login(account=STRANGER).check()
    for reference in ("ccci/vault:1.0", "harbour/nothere:1.0"):
        refused = guest.docker("pull", reference)
        assert b"repository does not exist or may require 'docker login'" in refused.stderr
    guest.docker("logout")
    guest.login().check()
    guest.docker("pull", "ccci/vault:1.0").check()


def test_the_image_is_what_its_publisher_built_years_ago(guest: Guest) -> None:
    guest.docker("pull", "harbour/guestbook:1.0").check()
    created = guest.docker("image", "inspect", "--format", "{{.Created}}", "harbour/guestbook:1.0").text
    assert created.startswith("2021-03-04")


@pytest.mark.parametrize(
    ("reference", "manifests"),
    [("harbour/guestbook:1.0", 2), ("harbour/notes:latest", 1)],
    ids=["index", "single"],
)
def test_what_a_service_asks_for_cold_and_warm(guest: Guest, reference: str, manifests: int) -> None:
    """Fact 13: `GET`s of manifests are 2 cold, 3 for an index, 1 warm; warm, no layer moves."""
    guest.login().check()

    def deploy() -> dict[str, int]:
        before = len(guest.requests())
        guest.docker(
            "service", "create", "--quiet", "--with-registry-auth", "--name", "one", reference
        ).check()
        asked = guest.requests()[before:]
        assert {account for _, _, account in asked} == {ACCOUNT}
        guest.docker("service", "rm", "one").check()
        return counted(asked)

    cold = deploy()
    assert cold["GET manifest"] == 1 + manifests
    assert cold["GET layer"] == 4
    warm = deploy()
    assert warm["GET manifest"] == 1
    assert "GET layer" not in warm


def test_a_service_deployed_without_the_flag_pulls_anonymously(guest: Guest) -> None:
    """Fact 11: the swarm agent uses only what is in the service's spec."""
    guest.login().check()
    before = len(guest.requests())
    guest.docker("service", "create", "--quiet", "--name", "one", "harbour/guestbook:1.0").check()
    layers = {account for _, kind, account in guest.requests()[before:] if kind == "layer"}
    assert layers == {None}


def test_over_the_limit_docker_says_so(guest: Guest) -> None:
    """With an image that was never here: manifests outlast their image for a while, and cost nothing then."""
    guest.hub.control.set_remaining(f"address:{guest.address}", 0)
    try:
        refused = guest.docker("pull", "harbour/canary:1.0")
    finally:
        guest.hub.control.set_remaining(f"address:{guest.address}", 100)
    assert refused.exit_code != 0
    assert b"toomanyrequests" in refused.stderr.lower() or b"429" in refused.stderr


def test_docker_gets_over_a_layer_that_broke_off(guest: Guest) -> None:
    number = guest.hub.control.inject(Fault(effect="cut", kind="layer", repository="harbour/canary", times=1))
    guest.docker("pull", "harbour/canary:1.0").check()
    assert guest.hub.control.withdraw(number) == 1


def test_another_registry_needs_no_account(guest: Guest) -> None:
    guest.docker("pull", "ghcr.io/harbour/relay:2.3").check()
    assert {account for _, _, account in guest.requests()[-3:]} == {None}


@pytest.mark.parametrize("reference", ["harbour/guestbook:1.0", "tidedb:15.3"])
def test_a_container_ends_as_soon_as_it_is_told_to(guest: Guest, reference: str) -> None:
    container = guest.docker("run", "--detach", reference, "--any", "argument").check().text
    wait_until(
        lambda: b"ready" in guest.docker("logs", container).stdout or None,
        what="the container to be ready",
        timeout=20,
    )
    guest.docker("stop", "--time", "30", container).check()
    code = guest.docker("inspect", "--format", "{{.State.ExitCode}}", container).text
    assert code == "0", "143 or 137 would mean that it did not react"
    guest.docker("rm", container).check()
