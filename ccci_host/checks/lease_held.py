"""Whether the run held its lease from before it did anything until it was over, across a reboot too."""

from ccci_host.checks.finding import Answer, NoEvidenceError, passed
from ccci_host.checks.reading import began
from ccci_host.checks.registry import EVERY_TASK, check
from ccci_host.records import History, LeaseSeen, PhaseBegan, PhaseEnded


@check(
    pc="PC1",
    sentence="never during a deploy or test run",
    witnesses=("agent's own answer",),
    tasks=EVERY_TASK,
    order=21,
)
def lease_held(history: History) -> Answer:
    """While it is held the agent deletes nothing, whenever its timer fires.

    Giving it back shows that it was held until then: of one that ended before, the agent says so. What was
    done before it was taken, or after it was given back, was done without it.
    """
    steps = history.of(LeaseSeen)
    for lease in steps:
        if lease.step in ("lost", "refused"):
            raise NoEvidenceError(
                f"The run was not under a lease all the time, so nothing held sweeps back: {lease.problem}.",
                todo="`journalctl -u ccci-prune` on the host says what happened meanwhile; run again while "
                "nobody releases leases there.",
            )
    if not steps or steps[-1].step != "released":
        raise NoEvidenceError("It is not known that the run's lease was held until its end.")
    bare = _phase_without(history)
    if bare is not None:
        raise NoEvidenceError(f"The run held no lease of its own during {bare}, so nothing held sweeps back.")
    reboots = any(began(history, "reboot", cycle) for cycle in history.cycles)
    return passed(f"The run held its lease until its end{', across the reboot' if reboots else ''}.")


def _phase_without(history: History) -> str | None:
    """The first phase that was not under the lease from its beginning to its end; None where all were."""
    held: str | None = None
    for entry in history.entries:
        event = entry.event
        if isinstance(event, LeaseSeen):
            held = None if event.step == "released" else event.id or held
        elif isinstance(event, PhaseBegan | PhaseEnded) and event.phase != "preflight" and held is None:
            return event.phase
    return None
