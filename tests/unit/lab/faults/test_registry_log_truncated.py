"""The lab's log loses no line to the fault that empties it, and nobody else's log is emptied."""

from pathlib import Path

import pytest

from ccci_host.errors import RefusedError
from ccci_host.faults import injected
from ccci_host.lab.faults.registry_log_truncated import RegistryLogTruncated
from ccci_host.lab.lab import Lab
from ccci_host.transport.machine import Machine
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine, host_table


def machine_of(log: Path) -> Machine:
    return fake_machine(FakeExecutor(), host_table(disposable=True, registry={"access_log": str(log)}))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CCCI_LAB_DIR", str(tmp_path))
    path = Lab.default().hub.access_log
    path.parent.mkdir(parents=True)
    path.write_text("one\ntwo\n")
    return path


def append(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(line)


def test_what_it_held_is_put_back_before_what_came_since(log: Path) -> None:
    fault, machine = RegistryLogTruncated(), machine_of(log)
    with fault.around(machine), injected(fault, machine):
        assert log.read_text() == ""
        append(log, "three\n")
    assert log.read_text() == "one\ntwo\nthree\n"
    assert list(log.parent.iterdir()) == [log]


def test_what_a_killed_run_took_out_is_in_the_log_again_with_the_next_one(log: Path) -> None:
    RegistryLogTruncated().inject(machine_of(log))
    append(log, "three\n")
    fault, machine = RegistryLogTruncated(), machine_of(log)
    with fault.around(machine):
        assert not fault.is_present(machine)
        assert log.read_text() == "one\ntwo\nthree\n"
    assert list(log.parent.iterdir()) == [log]


def test_one_that_was_killed_before_it_emptied_the_log_doubles_no_line(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, machine = RegistryLogTruncated(), machine_of(log)
    fault.inject(machine)
    log.write_text("one\ntwo\nthree\n")
    fault.revert(machine)
    assert log.read_text() == "one\ntwo\nthree\n"


def test_one_that_was_killed_while_it_joined_the_two_doubles_no_line(log: Path) -> None:
    fault, machine = RegistryLogTruncated(), machine_of(log)
    fault.inject(machine)
    append(log, "three\n")
    fault._put_aside(b"one\ntwo\nthree\n")
    fault.revert(machine)
    assert log.read_text() == "one\ntwo\nthree\n"


def test_a_log_that_is_not_the_labs_is_left_alone(log: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.log"
    theirs.write_text("one\n")
    with pytest.raises(RefusedError, match="does not pull from the lab's registry"):
        RegistryLogTruncated().around(machine_of(theirs)).__enter__()
    assert theirs.read_text() == "one\n"
