"""A file that is put aside comes back; one that was not there goes; and nothing is taken for either."""

import pytest

from ccci_host.errors import CommandFailedError
from ccci_host.faults.aside import ASIDE, NONE, PART, put_all_back, put_aside, put_back
from tests.fakes import FakeExecutor, completed
from tests.unit.faults.files import Files
from tests.unit.machines import fake_machine

PATH = "/etc/docker/daemon.json"


@pytest.mark.parametrize("before", [{PATH: b"{}"}, {}])
def test_what_was_there_comes_back_and_what_was_not_goes(before: dict[str, bytes]) -> None:
    files = Files(before)
    machine = fake_machine(files.executor)
    put_aside(machine, PATH)
    files.content[PATH] = b"harm"
    put_back(machine, PATH)
    assert files.content == before


def test_a_file_that_was_never_put_aside_is_not_touched() -> None:
    files = Files({PATH: b"{}"})
    put_back(fake_machine(files.executor), PATH)
    assert files.content == {PATH: b"{}"}


def test_a_copy_that_is_not_whole_is_not_put_back() -> None:
    files = Files({PATH: b"whole", PATH + PART: b"wh"})
    put_back(fake_machine(files.executor), PATH)
    assert files.content == {PATH: b"whole"}


@pytest.mark.parametrize("kept", [{PATH + ASIDE: b"before"}, {PATH + NONE: b""}])
def test_what_a_killed_run_put_aside_is_not_taken_for_harm(kept: dict[str, bytes]) -> None:
    files = Files({PATH: b"harm", **kept})
    put_aside(fake_machine(files.executor), PATH)
    assert files.content == {PATH: b"harm", **kept}


def test_a_host_that_cannot_tell_whether_a_file_is_there_is_not_one_without() -> None:
    executor = FakeExecutor({"test -e": completed(stderr="test: Input/output error", exit_code=2)})
    for act in (put_aside, put_back):
        with pytest.raises(CommandFailedError):
            act(fake_machine(executor), PATH)


def test_whatever_killed_runs_left_is_put_back() -> None:
    files = Files({PATH: b"harm", PATH + ASIDE: b"before", "/etc/c.toml": b"harm", "/etc/c.toml" + NONE: b""})
    assert put_all_back(fake_machine(files.executor)) == ("/etc/c.toml", PATH)
    assert files.content == {PATH: b"before"}
