"""The interface witness counts, says who counted, and never makes up a figure."""

from typing import cast

import pytest

from ccci_host.errors import CcciError, UnreachableError
from ccci_host.transport.machine import Instance, Machine
from ccci_host.witnesses.interface import WITNESS, noise
from tests.fakes import FakeExecutor
from tests.unit.machines import host_table
from tests.unit.witnesses.scripted import Counter


def machine(*values: int | CcciError, kind: str = "container") -> Machine:
    return Machine("ci", host_table(), cast(Instance, Counter(*values, kind=kind)), FakeExecutor())


def test_the_difference_of_the_counter_is_what_came_in() -> None:
    seen = WITNESS.begin(machine(100, 350)).end("deploy", 2)
    assert (seen.phase, seen.cycle, seen.bytes, seen.problem) == ("deploy", 2, 250, None)
    assert seen.seconds >= 0


def test_nothing_came_in_is_zero_and_no_problem() -> None:
    assert WITNESS.begin(machine(100, 100)).end("deploy", 1).bytes == 0


@pytest.mark.parametrize(("kind", "source"), [("container", "outside"), ("virtual-machine", "guest")])
def test_it_says_who_counted(kind: str, source: str) -> None:
    assert WITNESS.begin(machine(1, 2, kind=kind)).end("deploy", 1).source == source


def test_a_counter_that_began_anew_says_nothing() -> None:
    seen = WITNESS.begin(machine(100, 5)).end("redeploy", 1)
    assert seen.bytes is None
    assert seen.problem is not None
    assert "anew" in seen.problem


@pytest.mark.parametrize("values", [(UnreachableError("gone"),), (7, UnreachableError("gone"))])
def test_a_counter_that_cannot_be_read_is_unknown_and_not_zero(values: tuple[int | CcciError, ...]) -> None:
    seen = WITNESS.begin(machine(*values)).end("deploy", 1)
    assert (seen.bytes, seen.problem) == (None, "gone")


def test_noise_is_what_comes_in_while_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr("ccci_host.witnesses.interface.pause", paused.append)
    seen = noise(machine(10, 70), seconds=3.0)
    assert (seen.bytes, paused) == (60, [3.0])
