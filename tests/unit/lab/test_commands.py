"""Commands on this machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from ccci_host.errors import HostError
from ccci_host.lab.commands import WITH_US, run
from ccci_host.waiting import wait_until


def test_output_is_kept_in_the_log_with_the_command(tmp_path: Path) -> None:
    done = run(["sh", "-c", "cat; echo problem >&2; exit 3"], input=b"text", log=tmp_path / "logs" / "log")
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"text", b"problem\n")
    assert (tmp_path / "logs" / "log").read_text() == "\n$ sh -c cat; echo problem >&2; exit 3\ntextproblem\n"


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(HostError, match="There is no no-such-program on this machine"):
        run(["no-such-program"])


def test_the_system_s_folders_are_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(["losetup", "--version"]).ok


def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(HostError, match=r"did not end within 0 s"):
        run(["sleep", "30"], timeout=0.1)


STARTER = """
import sys
from ccci_host.lab.commands import WITH_US, run
run([*WITH_US, "sh", "-c", "echo > started; sleep 60; echo > over"])
"""


def test_what_is_to_die_with_us_does(tmp_path: Path) -> None:
    assert "unshare" in WITH_US
    with subprocess.Popen([sys.executable, "-c", STARTER], cwd=tmp_path) as starter:
        wait_until(lambda: (tmp_path / "started").exists() or None, what="the command", timeout=10)
        starter.kill()

    def over() -> bool | None:
        return (
            not any(
                str(tmp_path) == str((entry / "cwd").readlink())
                for entry in Path("/proc").glob("[0-9]*")
                if (entry / "cwd").is_symlink() and _readable(entry)
            )
            or None
        )

    wait_until(over, what="the command's end", timeout=10)


def _readable(entry: Path) -> bool:
    try:
        (entry / "cwd").readlink()
    except OSError:
        return False
    return True
