"""Whether Docker Hub takes the PAT that is on the host."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.registry import check
from ccci_host.records import CredentialSeen, History


@check(
    pc="PC2",
    sentence="Docker Hub accepts the PAT",
    witnesses=("token service",),
    tasks=("verify-pc2",),
    order=16,
)
def credential_accepted(history: History) -> Answer:
    """Asked for real: a refusal is a FAIL, a service that cannot be asked UNKNOWN."""
    asked = [seen for seen in history.of(CredentialSeen) if seen.accepted is not None]
    for seen in asked:
        if not seen.accepted:
            return failed(
                f"Docker Hub refuses the PAT of {seen.account or seen.expected_account}: "
                f"{seen.answer or 'no reason given'}.",
                todo="Make a new PAT (read-only, public repositories) and run `invoke provision`.",
            )
    if not asked:
        problem = next((seen.problem for seen in history.of(CredentialSeen) if seen.problem), None)
        raise NoEvidenceError(
            f"Whether Docker Hub accepts the PAT is not known: {problem or 'nobody asked'}."
        )
    pushes = any(seen.can_push for seen in asked)
    return passed(
        f"Docker Hub gives {asked[-1].account} a token.",
        *(["Warning: this token could also push. A read-only one is enough."] if pushes else []),
    )
