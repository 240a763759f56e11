import pytest

from ccci_host.steps.registry import all_steps, ordered
from ccci_host.steps.step import Plan, Step


def step(name: str, *after: str) -> Step:
    return Step(name, after, lambda _: (), lambda _facts, _wanted: Plan("nothing"))


def test_every_step_comes_after_those_it_names() -> None:
    names = [found.name for found in all_steps()]

    assert names[0] == "host"
    assert names[-1] == "pruners"
    assert set(names) == {"host", "ssh", "agent", "harness", "hub-login", "swarm", "pruners"}


def test_steps_that_ask_for_nothing_come_by_name() -> None:
    assert [found.name for found in ordered([step("c", "b"), step("b"), step("a")])] == ["a", "b", "c"]


def test_a_step_after_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        ordered([step("a", "gone")])
