"""What the agent asks of the daemon, when that was upgraded in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.agent.daemon import Daemon, DaemonError
from tests.unit.agent.fake_daemon import FakeDaemon, serving
from tests.unit.agent.hosts import FakeHost


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDaemon]:
    host = FakeHost()
    host.image("old", tags=("org/old:1",))
    with serving(FakeDaemon(host), tmp_path / "docker.sock") as daemon:
        yield daemon


@pytest.fixture
def daemon(fake: FakeDaemon, tmp_path: Path) -> Daemon:
    """One that speaks 1.41, and was upgraded since."""
    known = Daemon(str(tmp_path / "docker.sock"))
    assert known.api_version == "1.41"
    fake.lowest = "1.44"
    return known


def test_what_an_upgraded_daemon_refuses_is_asked_in_its_version(fake: FakeDaemon, daemon: Daemon) -> None:
    assert len(daemon.get("/images/json")) == 1
    assert daemon.api_version == "1.44"
    assert fake.asked.count("/images/json") == 1


def test_and_deleted_once(fake: FakeDaemon, daemon: Daemon) -> None:
    daemon.delete("/images/org/old:1")
    assert fake.deleted == ["org/old:1"]


def test_400_for_another_reason_is_no_matter_of_versions(fake: FakeDaemon, daemon: Daemon) -> None:
    fake.broken["/info"] = 400
    for _ in range(2):
        with pytest.raises(DaemonError) as caught:
            daemon.get("/info")
        assert caught.value.status == 400
    assert fake.asked.count("/info") == 2, "each time once"


@pytest.mark.parametrize("status", [400, 404, 500])
def test_events_that_are_refused_have_the_version_settled_anew(
    fake: FakeDaemon, daemon: Daemon, status: int
) -> None:
    fake.broken["/events"] = status
    with pytest.raises(DaemonError):
        daemon.open_events({})
    assert daemon.api_version == "1.44"
