"""A bug in the deployer changes what goes to the host, for a while, and only the program that it is about."""

import pytest

from ccci_host.errors import HostError, RefusedError
from ccci_host.experiments.stacks import Stacks, Thing
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


class Host:
    """A host with stacks of the suite's own, some of them another run's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.own = ["ccci-theirs"]
        self.gone: list[str] = []
        monkeypatch.setattr("ccci_host.experiments.stacks.look", self._look)
        monkeypatch.setattr(bugs, "teardown", lambda machine, stack: self.gone.append(stack))

    def _look(self, machine: object) -> Stacks:
        return Stacks(tuple(Thing(stack, "network", f"{stack}_net") for stack in self.own), (), ())


def test_what_it_left_goes_when_the_run_is_over_and_nothing_else(
    executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, bug = Host(monkeypatch), Forgetful()
    machine = fake_machine(executor)
    with pytest.raises(HostError), bug.around(machine) as seen:
        bug.inject(machine)
        seen.run_python(PROGRAM, {})
        host.own += ["ccci-ours"]
        raise HostError("x")
    assert host.gone == ["ccci-ours"]


def test_a_run_that_was_refused_removes_no_stack_of_the_one_that_came_before_it(
    executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, bug = Host(monkeypatch), Forgetful()
    machine = fake_machine(executor)
    with pytest.raises(RefusedError), bug.around(machine):
        bug.inject(machine)
        host.own += ["ccci-theirs-too"]
        raise RefusedError("x")
    assert host.gone == []


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
