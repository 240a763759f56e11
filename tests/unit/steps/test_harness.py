from typing import Any

from ccci_host.facts.abra import ABRA, Abra
from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.steps.harness import STEP
from ccci_host.steps.step import Plan
from tests.unit.machines import host_table
from tests.unit.steps.facts_of import facts, wanted

COMMAND = {"deploy": [["h", "up"]], "undeploy": [["h", "down"]]}


def planned(found: Any, **tables: Any) -> Plan:
    return STEP.plan(facts({ABRA: found}), wanted(host_table(**tables)))


def test_it_never_changes_anything() -> None:
    for found in (Absent(), Unreadable("no"), Abra("1", ()), Abra("1", ("-C",))):
        plan = planned(found, command=COMMAND)
        assert not plan.changes
        assert not plan.problems
        assert plan.why.startswith("a harness is described")


def test_without_abra_there_is_nothing_to_compare() -> None:
    assert planned(Absent()) == Plan("no harness is described; there is no abra on the PATH")


def test_an_abra_that_is_other_than_we_read_is_warned_of() -> None:
    [warning] = planned(Abra("0.11", ("-C",))).warnings
    assert "-C (a recipe as it stands)" in warning
    assert not planned(Abra("0.10", ())).warnings


def test_an_abra_that_does_not_answer_is_warned_of() -> None:
    assert "exit code 3" in planned(Unreadable("exit code 3")).warnings[0]
