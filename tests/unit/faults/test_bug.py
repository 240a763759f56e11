"""A bug in the deployer changes what goes to the host, for a while, and only the program that it is about."""

import pytest

from ccci_host.errors import HostError
from ccci_host.experiments.stacks import Stacks
from ccci_host.faults import all_faults
from ccci_host.faults import bug as bugs
from ccci_host.faults.bug import Bug
from ccci_host.recipes.host import PROGRAM
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine

FAMILY = [fault for fault in all_faults() if isinstance(fault, Bug)]


class Forgetful(Bug):
    name, task, check = "forgetful", "verify-pc2", "pulls-authenticated"
    changes = (('            "--with-registry-auth",\n', ""),)


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> FakeExecutor:
    monkeypatch.setattr("ccci_host.experiments.stacks.look", lambda machine: Stacks((), (), ()))
    return FakeExecutor({"python3": completed("{}")})


def test_programs_are_changed_while_it_is_there(executor: FakeExecutor) -> None:
    bug = Forgetful()
    machine = fake_machine(executor)
    with bug.around(machine) as seen:
        seen.run_python(PROGRAM, {})
        assert not bug.bit()
        bug.inject(machine)
        assert bug.is_present(machine)
        seen.run_python(PROGRAM, {})
        seen.run_python("print(1)", {})
        bug.revert(machine)
        seen.run_python(PROGRAM, {})
    sent = [argv[-1] for argv, _ in executor.runs]
    assert ["--with-registry-auth" in text for text in sent] == [True, False, False, True]
    assert sent[2] == "print(1)"
    assert bug.bit()


def test_what_it_left_goes_when_the_run_is_over(
    executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []
    monkeypatch.setattr("ccci_host.experiments.stacks.look", lambda machine: Stacks(("ccci-a",), (), ()))
    monkeypatch.setattr(bugs, "teardown", lambda machine, stack: gone.append(stack))
    with pytest.raises(HostError), Forgetful().around(fake_machine(executor)):
        raise HostError("x")
    assert gone == ["ccci-a"]


def test_a_text_that_is_in_the_program_no_more_is_an_error(executor: FakeExecutor) -> None:
    class Outdated(Forgetful):
        changes = (("no such text", ""),)

    with pytest.raises(HostError, match="no such text"):
        Outdated().inject(fake_machine(executor))


@pytest.mark.parametrize("fault", FAMILY, ids=lambda fault: fault.name)
def test_each_bug_of_the_suite_changes_a_program_that_is_still_one(fault: Bug) -> None:
    fault.inject(fake_machine(FakeExecutor()))
    changed = fault.changed(PROGRAM)
    fault.revert(fake_machine(FakeExecutor()))
    assert changed != PROGRAM
    compile(changed, fault.name, "exec")
