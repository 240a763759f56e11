"""Whether the run was under its lease all the time: of every task, since the agent's timer knows none."""

import pytest

from ccci_host.checks.registry import EVERY_TASK
from ccci_host.records import History, LeaseSeen, PhaseBegan, PhaseEnded, PlanSeen, Record
from ccci_host.verdict import Verdict
from tests.histories import changed, good, of_events, without
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
    refused = LeaseSeen(step="refused", problem="no agent")
    history = changed(good("verify-pc1"), LeaseSeen, lambda _: refused, step="taken")
    words = "The run was not under a lease all the time, so nothing held sweeps back: no agent."
    assert said(NAME, history) == (Verdict.UNKNOWN, words, LOOK, ())


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


def given_back(history: History, kind: type[Record], when: str) -> History:
    """`history` with its lease given back right before its record of that kind and phase, or moment."""
    [back] = [one for one in history.of(LeaseSeen) if one.step == "released"]
    kept = [entry.event for entry in history.entries if entry.event is not back]
    [place] = [
        number
        for number, event in enumerate(kept)
        if isinstance(event, kind) and when in (getattr(event, "phase", None), getattr(event, "moment", None))
    ]
    return of_events((*kept[:place], back, *kept[place:]))


@pytest.mark.parametrize(
    ("history", "phase"),
    [
        (without(good("verify-pc3"), LeaseSeen, step="taken"), "deploy"),
        (given_back(good("verify-pc1"), PhaseBegan, "deploy"), "deploy"),
        (given_back(good("verify-pc3"), PhaseBegan, "redeploy"), "redeploy"),
        (given_back(good("verify-pc3"), PhaseEnded, "redeploy"), "redeploy"),
        (given_back(good("verify-pc3"), PhaseEnded, "tag-control"), "tag-control"),
    ],
)
def test_one_that_was_not_held_while_things_were_done_held_nothing_back(history: History, phase: str) -> None:
    words = f"The run held no lease of its own during {phase}, so nothing held sweeps back."
    assert said(NAME, history) == (Verdict.UNKNOWN, words, ANOTHER_RUN, ())


@pytest.mark.parametrize(
    "history",
    [
        of_events((PhaseBegan(phase="preflight"), *(one.event for one in good("verify-pc3").entries))),
        given_back(good("verify-pc1"), PlanSeen, "torn-down"),
    ],
)
def test_no_more_is_asked_than_that(history: History) -> None:
    assert finding(NAME, history).verdict is Verdict.PASS
