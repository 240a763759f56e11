"""The lock on a folder: between real processes, between threads, and within itself."""

import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from ccci_host.alone import alone
from ccci_host.errors import CcciError, WaitTimeoutError
from tests.folders import is_held

HOLDER = """
import sys
from pathlib import Path
from ccci_host.alone import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_waits_its_time_and_says_how_to_go_on(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        with (
            pytest.raises(WaitTimeoutError, match="another command to be done") as waited,
            alone(tmp_path, timeout=0.2),
        ):
            pass
        assert str(tmp_path) in waited.value.brief
        assert "lslocks" in waited.value.resolution
        first.kill()


def test_a_holder_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        first.kill()
        first.wait()
        with alone(tmp_path, timeout=1):
            assert is_held(tmp_path)


def test_it_leaves_no_file(tmp_path: Path) -> None:
    with alone(tmp_path):
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_its_holder_may_ask_again_by_any_path_and_holds_it_to_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "alias").symlink_to(folder)
    with alone(folder):
        with alone(tmp_path / "alias", timeout=0):
            pass
        assert is_held(folder)
    assert not is_held(folder)


def test_an_error_within_lets_go_of_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), alone(tmp_path):
        raise KeyError
    assert not is_held(tmp_path)
    with alone(tmp_path):
        assert is_held(tmp_path)


def test_other_folders_are_not_held(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    with alone(tmp_path):
        assert not is_held(tmp_path / "below")


@pytest.mark.parametrize("name", ["absent", "file"])
def test_what_is_no_folder_cannot_be_held(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CcciError, match="cannot be locked") as refused, alone(tmp_path / name):
        pass
    assert refused.value.resolution


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(CcciError, match="cannot be locked") as refused, alone(tmp_path):
        pass
    assert "No locks available" in refused.value.details
