"""A history that is not whole shows nothing of what is missing."""

import pytest

from ccci_host.records import (
    Finished,
    Interrupted,
    PhaseBegan,
    PhaseEnded,
    Record,
    RequestsSeen,
    Started,
)
from ccci_host.verdict import Verdict
from tests.histories import changed, good, of_events, without
from tests.unit.checks.cases import finding

NAME = "run-complete"
TASK = "verify-pc3"


def test_a_file_with_a_problem() -> None:
    history = good(TASK).model_copy(update={"problems": ("the last line is cut off",)})
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The history file is not whole: the last line is cut off."


def test_a_history_that_does_not_begin_with_the_start() -> None:
    assert finding(NAME, without(good(TASK), Started)).verdict is Verdict.UNKNOWN


def test_the_records_of_two_runs_are_of_neither() -> None:
    """One run's host and code at the head, another's evidence behind it."""
    head, other = good(TASK).entries[0].event, tuple(entry.event for entry in good(TASK).entries)
    for events in ((head, *other), (*other, other[-1])):
        found = finding(NAME, of_events(events))
        assert found.verdict is Verdict.UNKNOWN
        assert found.reason == "The history has records of 2 runs, where it may have those of one."


@pytest.mark.parametrize("kind", [PhaseBegan, PhaseEnded])
def test_a_phase_has_two_ends(kind: type[Record]) -> None:
    found = finding(NAME, without(good("reboot-and-redeploy"), kind, phase="reboot"))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The history has but one end of a phase: reboot."


@pytest.mark.parametrize(
    ("task", "phase"),
    [(TASK, "deploy"), (TASK, "redeploy"), (TASK, "control-redeploy"), ("verify-pc2", "cold-pull")],
)
def test_of_a_log_that_is_named_every_counted_phase_tells(task: str, phase: str) -> None:
    history = without(good(task), RequestsSeen, phase=phase)
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == f"The history does not tell of the registry's log during {phase}."
    assert finding(NAME, changed(history, Started, {"registry_log": False})).verdict is Verdict.PASS
    unread = changed(good(task), RequestsSeen, {"problem": "truncated"}, phase=phase)
    assert finding(NAME, unread).verdict is Verdict.PASS


def test_a_run_that_was_interrupted() -> None:
    whole = good(TASK)
    events = tuple(entry.event for entry in whole.entries[:-1])
    ended = Finished(outcome="interrupted", problem="SIGINT")
    found = finding(NAME, of_events((*events, Interrupted(how="SIGINT", phase="redeploy"), ended)))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The run was interrupted during redeploy (SIGINT)."


def test_records_after_the_last_one() -> None:
    whole = good(TASK)
    events = tuple(entry.event for entry in whole.entries)
    assert finding(NAME, of_events((*events, events[5]))).verdict is Verdict.UNKNOWN


def test_a_run_that_ended_early_says_in_which_phase_and_why() -> None:
    history = changed(good(TASK), PhaseEnded, {"outcome": "failed", "problem": "429"}, phase="redeploy")
    history = changed(history, Finished, {"outcome": "failed", "problem": "too many requests"})
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The run ended early in redeploy: too many requests."
