"""Whether dockerd skips or redirects pulls, which would hide a broken image."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import listed
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, HostSeen


@check(
    pc="PC3",
    sentence="the real pull path: dockerd has no setting that skips or redirects pulls",
    witnesses=("daemon configuration",),
    tasks=REDEPLOYS,
    order=32,
)
def pull_path_is_real(history: History) -> Answer:
    """No prefer-offline, no mirror: fact 16 and the guardrails."""
    host = history.last(HostSeen)
    if host is None or host.problem:
        raise NoEvidenceError(
            f"The host was not described: {host.problem if host else 'it was not reached'}."
        )
    if host.pull_overrides_problem:
        raise NoEvidenceError(f"dockerd's settings could not be read: {host.pull_overrides_problem}.")
    if host.pull_overrides:
        return failed(
            f"dockerd skips or redirects pulls: {listed(host.pull_overrides)}.",
            todo="Remove the setting from dockerd's unit or daemon.json, and restart dockerd.",
        )
    return passed("dockerd pulls from where the reference says, and never skips a pull.")
