"""Whether dockerd skips or redirects pulls, which would hide a broken image."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import AFTER, listed, looks_at_host
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, HostSeen


@check(
    pc="PC3",
    sentence="the real pull path: dockerd has no setting that skips or redirects pulls",
    witnesses=("daemon configuration",),
    tasks=("verify-pc2", *REDEPLOYS),
    order=32,
)
def pull_path_is_real(history: History) -> Answer:
    """No prefer-offline, no mirror: fact 16, the guardrails. At any look, for settings wait for a restart."""
    set_at = [seen for seen in history.of(HostSeen) if seen.pull_overrides]
    if set_at:
        return failed(
            "dockerd skips or redirects pulls: "
            f"{listed(setting for seen in set_at for setting in seen.pull_overrides)}.",
            *(f"after {AFTER[seen.moment]}: {', '.join(seen.pull_overrides)}" for seen in set_at),
            todo="Remove the setting from dockerd's unit or daemon.json, or the file, and restart dockerd.",
        )
    for host in looks_at_host(history):
        if host.problem:
            raise NoEvidenceError(f"The host was not described: {host.problem}.")
        if host.pull_overrides_problem:
            raise NoEvidenceError(f"dockerd's settings could not be read: {host.pull_overrides_problem}.")
    return passed("dockerd pulls from where the reference says, and never skips a pull.")
