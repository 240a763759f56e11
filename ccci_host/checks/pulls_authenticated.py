"""Who paid for the pulls from Docker Hub."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import count, listed, name_of
from ccci_host.checks.registry import check
from ccci_host.records import (
    BucketsSeen,
    ColdPullControl,
    CredentialSeen,
    History,
    RecipeChosen,
    RegistryRequest,
    RequestsSeen,
)

AGAIN = (
    "Deploy with registry auth (`docker stack deploy --with-registry-auth`), as the user that is logged in."
)
OF_A_HARNESS = (
    "The harness sends no login with what it asks of Docker, whoever is logged in: set `lend_login` under "
    "[host.….command] in ccci.toml, or have the harness send its own."
)


@check(
    pc="PC2",
    sentence="pulls from docker.io carry the PAT",
    witnesses=("registry log", "rate-limit buckets", "private image"),
    tasks=("verify-pc2",),
    order=20,
)
def pulls_authenticated(history: History) -> Answer:
    """An anonymous `GET` of a manifest is a FAIL; that no evidence is readable is UNKNOWN."""
    expected = _expected(history)
    served = [
        request
        for seen in history.of(RequestsSeen)
        for request in seen.requests
        if request.costs_quota and (request.status < 300 or request.status == 429)
    ]
    strange = [request for request in served if request.account != expected]
    if strange:
        return failed(
            f"Pulled without the PAT of {expected}: {listed(_told(item) for item in strange)}.",
            todo=_again(history),
        )
    if served:
        return passed(
            f"{count(len(served), 'manifest')} from Docker Hub, each paid by {expected}; none anonymous.",
            *_private(history),
        )
    return _by_buckets(history, expected)


def _expected(history: History) -> str:
    seen = history.last(CredentialSeen)
    if seen is None or not seen.expected_account:
        raise NoEvidenceError("Which account should pay is not in the history.")
    return seen.expected_account


def _again(history: History) -> str:
    chosen = history.last(RecipeChosen)
    return OF_A_HARNESS if chosen and chosen.deployer == "command" else AGAIN


def _told(request: RegistryRequest) -> str:
    return f"{request.repository} by {request.account or 'nobody (anonymous)'}"


def _private(history: History) -> tuple[str, ...]:
    control = history.last(ColdPullControl)
    if control and control.ran and control.private and control.task_image_id:
        return (f"{name_of(control.reference)} is private, and a swarm task pulled it.",)
    return ()


def _by_buckets(history: History, expected: str) -> Answer:
    control = history.last(ColdPullControl)
    if control is None or not control.ran or not control.task_image_id:
        why = control.problem if control else None
        raise NoEvidenceError(
            f"Who pays for pulls is not known: no cold pull was seen ({why or 'it was not reached'})."
        )
    if _private(history):
        return passed(
            f"A swarm task pulled {name_of(control.reference)}, which is private: its pull was authenticated."
        )
    looks = [seen for seen in history.of(BucketsSeen) if not seen.problem]
    if len(looks) < 2:
        raise NoEvidenceError("Who pays for pulls is not known: neither registry log nor buckets were read.")
    spent = {account: _spent(looks, account) for account in (expected, None)}
    if spent[None]:
        return failed(f"The anonymous bucket paid {spent[None]} for the cold pull.", todo=_again(history))
    if spent[expected] and spent[None] == 0:
        return passed(f"The bucket of {expected} paid {spent[expected]} for the cold pull.")
    raise NoEvidenceError("Who pays for pulls is not known: the rate-limit headers do not say.")


def _spent(looks: list[BucketsSeen], account: str | None) -> int | None:
    """What the account's bucket lost from the first look to the last; None when either does not say."""
    first, last = (_remaining(seen, account) for seen in (looks[0], looks[-1]))
    return None if first is None or last is None else max(0, first - last)


def _remaining(seen: BucketsSeen, account: str | None) -> int | None:
    own = (bucket for bucket in seen.buckets if bucket.account == account and not bucket.problem)
    return next((bucket.remaining for bucket in own), None)
