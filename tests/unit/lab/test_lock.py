"""The lab's lock, between real processes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ccci_host.errors import WaitTimeoutError
from ccci_host.lab.lock import held

HOLDER = """
import sys
from pathlib import Path
from ccci_host.lab.lock import held
with held(Path(sys.argv[1]), "starting the lab"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_whoever_comes_second_waits_and_says_for_whom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold(tmp_path / "lock") as first:
        with pytest.raises(WaitTimeoutError), held(tmp_path / "lock", "stopping the lab", timeout=0.3):
            pass
        said = capsys.readouterr().err
        assert f"Waiting for the lab: process {first.pid}" in said
        assert "is starting the lab" in said
        first.kill()


def test_a_holder_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path / "lock") as first:
        first.kill()
        first.wait()
        with held(tmp_path / "lock", "starting the lab", timeout=1):
            pass


def test_a_lock_in_a_folder_that_was_purged_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    with held(folder / "lock", "purging the lab"):
        shutil.rmtree(folder)
        with held(folder / "lock", "starting the lab", timeout=1):
            assert (folder / "lock").exists()
