"""Commands in a clean clone: what they find there, what is left of it, and what becomes of their times."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from ccci_host.errors import CommandFailedError
from ccci_host.lab import Lab
from ccci_host.lab.benchmark import clean_clone, demo, suite, suite_whole
from ccci_host.lab.benchmark.clean_clone import CleanClone
from ccci_host.lab.settings import Settings

PROGRAM = """#!/bin/sh -e
test -z "$CCCI_CONFIG"
mkdir -p "$CCCI_LAB_DIR"
echo "$*" >>"$CCCI_LAB_DIR/words"
test "$1" != fail
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(Settings.for_folder(tmp_path / "lab"))


@pytest.fixture
def purged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of labs that were purged."""
    folders: list[Path] = []

    def down(self: Lab, *, purge: bool = False) -> None:
        assert purge
        folders.append(self.settings.folder)

    monkeypatch.setattr(Lab, "down", down)
    return folders


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a `ccci` that is committed, and a file that is not."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "ccci").write_text(PROGRAM)
    (folder / "ccci").chmod(0o755)
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    for words in (["init", "--quiet"], ["add", "ccci"], [*identity, "commit", "--quiet", "--message", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    (folder / "new").touch()
    monkeypatch.setattr("ccci_host.checkout.ROOT", folder)
    return folder


def test_it_holds_what_is_committed_and_has_a_lab_of_its_own(
    lab: Lab, checkout: Path, purged: list[Path]
) -> None:
    with clean_clone.clean_clone(lab) as clone:
        assert {path.name for path in clone.folder.iterdir()} == {".git", "ccci"}
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, check=True)
        assert head.stdout.decode().startswith(clone.commit)
        assert clone.seconds("demo", "--fast", timeout=60) > 0
        own = clone.lab.folder
        assert own != lab.settings.folder
        assert (own / "words").read_text() == "demo --fast\n"
        assert purged == []
    assert purged == [own]
    assert not clone.folder.exists()


def test_what_a_killed_benchmark_left_is_purged_first(lab: Lab, checkout: Path, purged: list[Path]) -> None:
    with clean_clone.clean_clone(lab) as first:
        first.seconds("demo", timeout=60)
    with clean_clone.clean_clone(lab) as second:
        assert purged == [first.lab.folder] * 2
    assert second.lab == first.lab


def test_a_command_that_fails_has_no_figure_and_its_lab_goes(
    lab: Lab, checkout: Path, purged: list[Path]
) -> None:
    with pytest.raises(CommandFailedError), clean_clone.clean_clone(lab) as clone:
        clone.seconds("fail", timeout=60)
    assert purged == [clone.lab.folder]


@pytest.mark.parametrize(
    ("module", "words", "figures"),
    [
        (demo, ("demo",), [100.0, 200.0]),
        (suite, ("test", "--unit"), [200.0]),
        (suite_whole, ("test",), [100.0, 200.0]),
    ],
)
def test_each_command_runs_cold_and_then_warm(
    module: ModuleType,
    words: tuple[str, ...],
    figures: list[float],
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[tuple[str, ...]] = []

    def seconds(_: CleanClone, *given: str, timeout: float) -> float:
        runs.append(given)
        return 100.0 * len(runs)

    @contextmanager
    def clone(_: Lab) -> Iterator[CleanClone]:
        yield CleanClone(Path("/clone"), "abc1234", lab.settings)

    monkeypatch.setattr(CleanClone, "seconds", seconds)
    monkeypatch.setattr(module, "clean_clone", clone)
    measured = module.measure(lab)
    assert [figure.measured for figure in measured] == figures
    assert all("clean clone of abc1234" in figure.how for figure in measured)
    assert runs == [words, words]
