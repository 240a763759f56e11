"""Whether the PAT's entry is in the deploying user's configuration, and readable by nobody else."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.registry import check
from ccci_host.records import CredentialSeen, History


@check(
    pc="PC2",
    sentence="the PAT is configured for the user that deploys, mode 0600, and persists across a reboot",
    witnesses=("docker configuration",),
    tasks=("verify-pc2", "reboot-and-redeploy"),
    order=15,
)
def credential_in_place(history: History) -> Answer:
    """Absent, wrong mode, wrong owner, wrong account: FAIL. A file that cannot be read: UNKNOWN."""
    looks = history.of(CredentialSeen)
    again = "Run `invoke provision`: it writes the entry again."
    for seen in looks:
        when = f" ({seen.moment})" if len(looks) > 1 else ""
        if seen.state == "absent":
            return failed(f"{seen.path} has no entry for Docker Hub{when}.", todo=again)
        if seen.state == "present" and int(seen.mode, 8) & 0o077:
            return failed(f"Others can read {seen.path}: its mode is {seen.mode}{when}.", todo=again)
        if seen.state == "present" and seen.expected_owner not in ("", seen.owner):
            return failed(
                f"{seen.path} belongs to {seen.owner}, not to {seen.expected_owner}, who deploys{when}.",
                todo=again,
            )
        if seen.state == "present" and seen.account != seen.expected_account:
            return failed(
                f"{seen.path} names the account {seen.account or 'none'}, not {seen.expected_account}{when}.",
                todo=again,
            )
    unread = [seen.problem or f"{seen.path} cannot be read" for seen in looks if seen.state != "present"]
    if unread or not looks:
        raise NoEvidenceError(
            f"Whether the PAT is in place is not known: {unread[0] if unread else 'nobody looked'}."
        )
    seen = looks[-1]
    return passed(
        f"{seen.path} holds the entry of {seen.account}, mode {seen.mode}, at each of {len(looks)} looks."
    )
