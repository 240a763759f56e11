"""The first record: the code by its content, and nothing of this machine's folders."""

import subprocess
from pathlib import Path

import pytest

from ccci_host.experiments import Options
from ccci_host.experiments.started import started, tree_hash
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine, host_table


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "machine-docs").mkdir()
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "machine-docs" / "note.md").write_text("1")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "x")
    return tmp_path


def test_the_code_is_known_by_its_content_and_evidence_has_no_part_in_it(checkout: Path) -> None:
    first = tree_hash(checkout)
    (checkout / "machine-docs" / "note.md").write_text("2")
    (checkout / "code.pyc").write_text("compiled")
    assert tree_hash(checkout) == first
    (checkout / "new.py").write_text("")
    second = tree_hash(checkout)
    assert second != first
    (checkout / "code.py").write_text("2")
    assert tree_hash(checkout) not in (first, second)


def test_no_checkout_has_no_hash(tmp_path: Path) -> None:
    assert tree_hash(tmp_path / "nowhere") is None


def test_it_says_who_asks_what_of_whom(checkout: Path) -> None:
    table = host_table(disposable=True, registry={"access_log": "/log"})
    options = Options(task="verify-pc3", argv=("/usr/bin/ccci", "verify-pc3"), recipe="/here/recipes/small")
    seen = started(fake_machine(FakeExecutor(), table), options, checkout)
    assert (seen.task, seen.host, seen.instance, seen.door, seen.commands) == (
        "verify-pc3",
        "ci",
        "ci",
        "unix",
        "incus",
    )
    assert seen.argv == ("ccci", "verify-pc3")
    assert seen.options["recipe"] == "small"
    assert (seen.disposable, seen.allow_reboot, seen.registry_log) == (True, False, True)
    assert seen.dirty is False
    assert len(seen.commit or "") == 40
    assert len(seen.tree or "") == 64


def test_a_changed_file_makes_it_dirty_and_new_evidence_does_not(checkout: Path) -> None:
    machine = fake_machine(FakeExecutor())
    (checkout / "machine-docs" / "more.md").write_text("x")
    assert started(machine, Options(task="t"), checkout).dirty is False
    (checkout / "code.py").write_text("2")
    assert started(machine, Options(task="t"), checkout).dirty is True


def test_outside_a_checkout_nothing_is_made_up(tmp_path: Path) -> None:
    seen = started(fake_machine(FakeExecutor()), Options(task="t"), tmp_path / "nowhere")
    assert (seen.commit, seen.dirty, seen.tree) == (None, None, None)
