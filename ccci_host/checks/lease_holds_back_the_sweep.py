"""Whether a sweep started during the run's lease deleted nothing."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import count, listed
from ccci_host.checks.registry import check
from ccci_host.records import History, SweepSeen


@check(
    pc="PC1",
    sentence="never during a deploy or test run",
    witnesses=("agent's own answer", "layer store"),
    tasks=("verify-pc1",),
    order=22,
)
def lease_holds_back_the_sweep(history: History) -> Answer:
    """Every sweep must name the gate `lease`: another closed gate shows nothing about it."""
    sweeps = [sweep for sweep in history.of(SweepSeen) if sweep.under == "lease"]
    removed = [reference for sweep in sweeps for reference in sweep.removed]
    if removed:
        return failed(
            f"A sweep during a held lease removed {listed(removed)}.",
            todo="Run `invoke provision`: the agent on the host does not honour leases.",
        )
    if not sweeps:
        raise NoEvidenceError("It is not shown that a lease holds a sweep back: no sweep was tried.")
    for sweep in sweeps:
        if sweep.problem:
            raise NoEvidenceError(f"It is not shown that a lease holds a sweep back: {sweep.problem}.")
        if not sweep.gates.get("lease"):
            raise NoEvidenceError(
                "A sweep during a held lease deleted nothing, but did not name the lease as its reason: "
                f"{listed(sweep.gates) if sweep.gates else 'it named no gate'}."
            )
    what = f"{count(len(sweeps), 'sweep')} that {'were' if len(sweeps) > 1 else 'was'}"
    return passed(f"{what} started while the run held its lease refused, and named the lease.")
