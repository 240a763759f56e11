"""Whether the run was under its lease all the time: of every task, since the agent's timer knows none."""

import pytest

from ccci_host.checks.registry import EVERY_TASK
from ccci_host.records import History, LeaseSeen
from ccci_host.verdict import Verdict
from tests.histories import changed, good, without
from tests.unit.checks.cases import finding, said

NAME = "lease-held"
ANOTHER_RUN = "Run the task again; the report says which witness is missing."
LOOK = (
    "`journalctl -u ccci-prune` on the host says what happened meanwhile; run again while nobody releases "
    "leases there."
)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("verify-pc1", "The run held its lease until its end."),
        ("verify-pc2", "The run held its lease until its end."),
        ("verify-pc3", "The run held its lease until its end."),
        ("reboot-and-redeploy", "The run held its lease until its end, across the reboot."),
    ],
)
def test_one_that_was_given_back_was_held_until_then(task: str, words: str) -> None:
    assert said(NAME, good(task)) == (Verdict.PASS, words, "", ())


@pytest.mark.parametrize("task", EVERY_TASK)
@pytest.mark.parametrize("step", ["taken", "released"])
def test_one_that_was_lost_held_nothing_back(task: str, step: str) -> None:
    """At whatever time that was noticed; one that was taken again came too late."""
    history = changed(good(task), LeaseSeen, {"step": "lost", "problem": "lease-1 had ended"}, step=step)
    words = "The run was not under a lease all the time, so nothing held sweeps back: lease-1 had ended."
    assert said(NAME, history) == (Verdict.UNKNOWN, words, LOOK, ())


def test_a_run_without_an_agent_had_none() -> None:
    refused = LeaseSeen(step="refused", problem="there is no agent to give one")
    history = changed(good("verify-pc1"), LeaseSeen, lambda _: refused, step="taken")
    assert finding(NAME, history).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "history",
    [
        without(good("verify-pc3"), LeaseSeen),
        without(good("verify-pc3"), LeaseSeen, step="released"),
        changed(good("verify-pc3"), LeaseSeen, {"step": "renewed"}, step="released"),
    ],
)
def test_one_whose_end_nobody_saw_is_not_known_to_have_been_held(history: History) -> None:
    words = "It is not known that the run's lease was held until its end."
    assert said(NAME, history) == (Verdict.UNKNOWN, words, ANOTHER_RUN, ())
