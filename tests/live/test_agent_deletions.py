"""What a deletion takes with it, on real daemons of both stores: the engine's own habits, and the sweep's."""

from collections.abc import Iterator

import pytest

from tests.live.agent_host import AgentHost, agent_host

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[AgentHost]:
    with agent_host(request.param) as host:
        host.publish("deleted/a:1")
        host.publish("deleted/neighbour:1", size=110_000)
        yield host


@pytest.fixture
def host(shared: AgentHost) -> AgentHost:
    shared.clean()
    shared.docker("pull", "deleted/neighbour:1")
    return shared


A = "deleted/a"


@pytest.fixture
def by_digest(host: AgentHost) -> str:
    return f"{A}@{host.publish('deleted/a:1')}"


def prepare(host: AgentHost, how: str, by_digest: str) -> None:
    """Bring the image into the store under the names of a line of `LINES`."""
    if how == "by digest":
        host.docker("pull", by_digest)
        return
    host.docker("pull", f"{A}:1")
    if how == "two tags":
        host.docker("tag", f"{A}:1", f"{A}:2")
    if how == "two repositories":
        host.docker("tag", f"{A}:1", "deleted/b:1")


NEIGHBOUR = "deleted/neighbour:1"

LINES = [
    ("one tag", "digest", {"classic": {f"{A}:1"}, "containerd": set()}),
    ("two tags", "digest", {"classic": {f"{A}:1", f"{A}:2"}, "containerd": set()}),
    ("two repositories", "digest", {"classic": {f"{A}:1", "deleted/b:1"}, "containerd": {"deleted/b:1"}}),
    ("one tag", "tag", {"classic": set(), "containerd": set()}),
    ("by digest", "digest", {"classic": set(), "containerd": set()}),
]
"""How the image is named, what is deleted, and the tags that are left on each store."""


@pytest.mark.parametrize(("how", "what", "left"), LINES)
def test_what_the_engine_does(
    host: AgentHost, by_digest: str, how: str, what: str, left: dict[str, set[str]]
) -> None:
    prepare(host, how, by_digest)
    assert host.delete(by_digest if what == "digest" else f"{A}:1") == 200
    tags = {name for name in host.references() if "@" not in name and name != NEIGHBOUR}
    assert tags == left[host.store]


def test_the_engine_refuses_what_a_running_container_uses(host: AgentHost, by_digest: str) -> None:
    host.docker("pull", f"{A}:1")
    host.docker("run", "--detach", f"{A}:1", "sleep", "1000")
    assert host.delete(by_digest) == 409
    assert host.delete(f"{A}:1") == 409


@pytest.mark.parametrize("how", ["one tag", "two tags", "two repositories", "by digest"])
def test_a_sweep_takes_the_image_whole_and_nothing_else(host: AgentHost, by_digest: str, how: str) -> None:
    host.set_policy(keep=["deleted/neighbour"])
    prepare(host, how, by_digest)
    image = host.id(by_digest)
    others = {name for name in host.references() if "neighbour" in name}
    host.age()
    (victim,) = host.plan()["victims"]
    assert victim["id"] == image
    outcome = host.sweep()
    assert [removed["id"] for removed in outcome["removed"]] == [image]
    assert host.references() == others, "a neighbour keeps every reference"


def test_an_image_that_a_container_uses_stays_with_all_its_names(host: AgentHost) -> None:
    host.set_policy(keep=["deleted/neighbour"])
    host.docker("pull", f"{A}:1")
    host.docker("tag", f"{A}:1", "deleted/b:1")
    host.docker("run", "--detach", "deleted/b:1", "sleep", "1000")
    before = host.references()
    host.age()
    outcome = host.sweep()
    assert not outcome["removed"]
    assert host.references() == before
