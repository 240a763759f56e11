"""The host program that reads dockerd's environment: what it has, nothing, and nobody knows."""

from pathlib import Path

import pytest

from ccci_host.facts.answers import Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.witnesses import host
from ccci_host.witnesses.overrides_remote import found

SET = b"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1"


def process(proc: Path, number: int, name: str, *environment: bytes) -> None:
    folder = proc / str(number)
    folder.mkdir()
    (folder / "comm").write_text(f"{name}\n")
    (folder / "environ").write_bytes(b"".join(one + b"\0" for one in environment))


def test_the_variable_is_found_in_each_dockerd_and_in_no_other_process(tmp_path: Path) -> None:
    process(tmp_path, 1, "systemd", b"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=2")
    process(tmp_path, 20, "dockerd", b"PATH=/bin", SET)
    process(tmp_path, 30, "dockerd", SET, b"HOME=/root")
    assert found(tmp_path) == [SET.decode(), SET.decode()]


def test_a_dockerd_without_the_variable_overrides_nothing(tmp_path: Path) -> None:
    process(tmp_path, 20, "dockerd")
    assert found(tmp_path) == []


def test_where_no_dockerd_is_to_be_seen_nothing_is_known(tmp_path: Path) -> None:
    process(tmp_path, 1, "systemd", SET)
    (tmp_path / "30").mkdir()
    with pytest.raises(SystemExit, match="no process called dockerd"):
        found(tmp_path)


def test_what_the_program_could_not_tell_is_a_problem() -> None:
    unasked = dict.fromkeys(host.MORE.probes, Unreadable("no process called dockerd is to be seen"))
    seen = host.parse(Answers(unasked))
    assert seen.pull_overrides == ()
    assert seen.pull_overrides_problem == "dockerd's environment is unreadable"
