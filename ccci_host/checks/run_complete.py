"""Whether the history is whole and the run came to its end."""

from collections import Counter

from ccci_host.checks.finding import Answer, passed, unknown
from ccci_host.checks.reading import listed
from ccci_host.checks.registry import EVERY_TASK, check
from ccci_host.records import (
    Finished,
    History,
    Interrupted,
    PhaseBegan,
    PhaseEnded,
    RequestsSeen,
    Started,
)

COUNTED = ("deploy", "redeploy", "control-redeploy", "cold-pull")
"""The phases of which a run tells what was asked of the registries, or why nobody knows."""


@check(
    pc="run",
    sentence="the run came to its end, and its history is whole",
    witnesses=("journal",),
    tasks=EVERY_TASK,
    order=1,
)
def run_complete(history: History) -> Answer:
    """A history that is truncated, edited or cut off shows nothing about what is missing from it."""
    again = "Run the task again."
    if history.problems:
        return unknown(
            f"The history file is not whole: {history.problems[0]}.",
            *history.problems[1:],
            todo="Fetch the original file; it is written once and never edited.",
        )
    if wrong := _wrong_shape(history):
        return unknown(wrong, todo=again)
    interrupted = history.last(Interrupted)
    if interrupted:
        where = f" during {interrupted.phase}" if interrupted.phase else ""
        return unknown(f"The run was interrupted{where} ({interrupted.how}).", todo=again)
    finished = history.last(Finished)
    if finished is None or history.entries[-1].event is not finished:
        return unknown("The run was cut off before its end.", todo=again)
    if finished.outcome != "done":
        broken = [ended for ended in history.of(PhaseEnded) if ended.outcome != "done"]
        phase = f" in {broken[0].phase}" if broken else ""
        why = finished.problem or (broken[0].problem if broken else None) or "no reason was written"
        return unknown(
            f"The run ended early{phase}: {why}", todo="Mend what the reason names, and run again."
        )
    lacking = _lacks(history)
    told = f"The run came to its end; its history has {len(history.entries)} records."
    return unknown(lacking, todo=again) if lacking else passed(told)


def _wrong_shape(history: History) -> str:
    """Why it is not the history of one run; empty where it may be."""
    if not history.entries or not isinstance(history.entries[0].event, Started):
        return "The history does not begin with the start of a run."
    runs = max(len(history.of(Started)), len(history.of(Finished)))
    return f"The history has records of {runs} runs, where it may have those of one." if runs > 1 else ""


def _lacks(history: History) -> str:
    """What a run that came to its end has written, and this history does not tell; empty where it has all."""
    began = Counter((one.phase, one.cycle) for one in history.of(PhaseBegan))
    ended = Counter((one.phase, one.cycle) for one in history.of(PhaseEnded))
    halves = [phase for phase, _ in (began - ended) + (ended - began)]
    if halves:
        return f"The history has but one end of a phase: {listed(halves)}."
    started = history.first(Started)
    counted = [one for one in began if one[0] in COUNTED and started is not None and started.registry_log]
    untold = [phase for phase, cycle in counted if history.during(RequestsSeen, phase, cycle) is None]
    return f"The history does not tell of the registry's log during {listed(untold)}." if untold else ""
