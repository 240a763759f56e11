"""A history that is not whole shows nothing of what is missing."""

from ccci_host.records import Finished, Interrupted, PhaseEnded, Started
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
