"""Whether a tick of the agent leaves the disk below the high watermark."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.registry import check
from ccci_host.records import History, HostSeen, SweepSeen


@check(
    pc="PC3",
    sentence="disk stays bounded without `-af`",
    witnesses=("agent's own answer",),
    tasks=("verify-pc1",),
    order=38,
)
def disk_stays_bounded(history: History) -> Answer:
    """A tick that ends above the high watermark exits non-zero, whatever the reason."""
    sweeps = [sweep for sweep in history.of(SweepSeen) if sweep.under == "nothing"]
    told = [sweep for sweep in sweeps if not sweep.problem and sweep.exit_code is not None]
    if not told:
        problem = sweeps[0].problem if sweeps else "no tick was started"
        raise NoEvidenceError(f"Whether the agent keeps the disk bounded is not known: {problem}.")
    tick = told[-1]
    if tick.exit_code:
        return failed(
            f"A tick of the agent, with nothing to hold it back, ended with exit code {tick.exit_code}.",
            *tick.output.splitlines(),
            todo="`ccci-prune status` on the host says what fills the disk; images are not all that does.",
        )
    host = history.last(HostSeen)
    percent = host.disk_used_percent if host else None
    where = f", with {percent:.0f} % in use at the start of the run" if percent is not None else ""
    return passed(f"A tick of the agent ended below the high watermark{where}.")
