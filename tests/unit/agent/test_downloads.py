"""Pulls under way, by the files that layers are downloaded into."""

import os
from pathlib import Path

import pytest

from ccci_host.agent import pressure
from ccci_host.agent.downloads import under_way
from ccci_host.agent.host import CLASSIC, CONTAINERD, Host
from ccci_host.agent.problem import UnreadableError
from tests.unit.agent.hosts import HOUR, START

INGEST = "io.containerd.content.v1.content/ingest"


def grown(path: Path, ago: float) -> None:
    """A download file that last grew so many seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"layer")
    os.utime(path, (START - ago, START - ago))


@pytest.fixture(params=["its own", "beside Docker's"])
def containerd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of containerd's store, wherever it lies."""
    if request.param == "its own":
        monkeypatch.setattr(pressure, "CONTAINERD_CONFIG", str(tmp_path / "none.toml"))
        monkeypatch.setattr(pressure, "CONTAINERD_ROOT", str(tmp_path / "containerd"))
        return tmp_path / "containerd"
    (tmp_path / "docker/containerd/daemon").mkdir(parents=True)
    return tmp_path / "docker/containerd/daemon"


@pytest.mark.parametrize("ago", [0, 59, 61, 3599, -3599])
def test_a_layer_of_the_classic_store_is_on_its_way_until_it_is_registered(
    tmp_path: Path, ago: float
) -> None:
    """It does not grow while it is unpacked, nor while it waits for those below it."""
    grown(tmp_path / "tmp/GetImageBlob123", ago)
    (said,) = under_way(Host(CLASSIC, str(tmp_path)), START)
    assert said.words.startswith(
        "a pull is in flight: 1 layers are on their way, the last grew at 2025-06-15T"
    )
    assert said.until == START - ago + HOUR


@pytest.mark.parametrize("ago", [HOUR, -HOUR, 100 * HOUR])
def test_a_pull_that_hangs_is_none_after_an_hour(tmp_path: Path, ago: float) -> None:
    grown(tmp_path / "tmp/GetImageBlob123", ago)
    assert under_way(Host(CLASSIC, str(tmp_path)), START) == ()


@pytest.mark.parametrize("name", ["tmp-old/GetImageBlob123", "tmp/docker-import-123", "tmp/x/GetImageBlob1"])
def test_other_files_are_no_pull(tmp_path: Path, name: str) -> None:
    """Among them what a daemon that was killed has left, and the next one puts out of the way."""
    grown(tmp_path / name, 0)
    assert under_way(Host(CLASSIC, str(tmp_path)), START) == ()


@pytest.mark.parametrize(("ago", "counts"), [(0, True), (59, True), (60, False), (3599, False)])
def test_on_the_containerd_store_what_was_cut_off_stays_and_is_no_pull(
    tmp_path: Path, containerd: Path, ago: float, counts: bool
) -> None:
    grown(containerd / INGEST / "abc/data", ago)
    told = under_way(Host(CONTAINERD, str(tmp_path / "docker")), START)
    assert [download.until for download in told] == ([START - ago + 60] if counts else [])


def test_all_layers_are_counted_and_the_last_growth_is_told(tmp_path: Path) -> None:
    for number in range(3):
        grown(tmp_path / f"tmp/GetImageBlob{number}", 600.0 + number)
    (said,) = under_way(Host(CLASSIC, str(tmp_path)), START)
    assert (
        said.words == "a pull is in flight: 3 layers are on their way, the last grew at 2025-06-15T14:56:40Z"
    )
    assert said.until == START - 600 + HOUR


def test_a_layer_that_is_registered_meanwhile_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(tmp_path / "tmp/GetImageBlob1", 0)

    stat = Path.stat

    def gone(path: Path) -> os.stat_result:
        if path.name.startswith("GetImageBlob"):
            raise FileNotFoundError
        return stat(path)

    monkeypatch.setattr(Path, "stat", gone)
    assert under_way(Host(CLASSIC, str(tmp_path)), START) == ()


@pytest.mark.parametrize("what", ["listdir", "stat"])
def test_what_may_not_be_looked_at_is_not_the_absence_of_a_pull(
    what: str, tmp_path: Path, containerd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(tmp_path / "docker/tmp/GetImageBlob1", 0)
    grown(containerd / INGEST / "abc/data", 0)
    stat = Path.stat

    def refuse(path: Path) -> os.stat_result:
        if path.name not in ("GetImageBlob1", "data", "tmp", "ingest"):
            return stat(path)
        raise PermissionError(13, "Permission denied", str(path))

    if what == "stat":
        monkeypatch.setattr(Path, "stat", refuse)
    else:
        monkeypatch.setattr(os, "listdir", refuse)
    for store in (CLASSIC, CONTAINERD):
        with pytest.raises(UnreadableError, match=r"^downloads: .*Permission denied"):
            under_way(Host(store, str(tmp_path / "docker")), START)


def test_a_store_into_which_nothing_was_ever_pulled_has_no_such_folder(tmp_path: Path) -> None:
    assert under_way(Host(CLASSIC, str(tmp_path)), START) == ()
