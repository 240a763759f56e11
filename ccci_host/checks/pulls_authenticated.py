"""Who paid for the pulls from Docker Hub."""

from collections.abc import Sequence
from itertools import pairwise

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import (
    DOCKER_HUB,
    count,
    listed,
    name_of,
    new_layers,
    registry_of,
    repository_of,
    store_at,
)
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

RESOLUTION = 1
"""Counted requests that the resolution of a tag costs, whoever pulls then (fact 13)."""


@check(
    pc="PC2",
    sentence="pulls from docker.io carry the PAT",
    witnesses=("registry log", "rate-limit buckets", "private image", "layer store"),
    tasks=("verify-pc2",),
    order=20,
)
def pulls_authenticated(history: History) -> Answer:
    """Any anonymous `GET` of a manifest is a FAIL. A PASS is the cold pull's alone to give.

    What else the account paid for may be swarm's resolution of tags: that the node's own pull carries the PAT
    shows where the node pulled, and without evidence of that it is UNKNOWN.
    """
    expected = _expected(history)
    strange = [
        request
        for seen in history.of(RequestsSeen)
        for request in seen.requests
        if request.account != expected and _was_paid(request)
    ]
    if strange:
        return failed(
            f"Pulled without the PAT of {expected}: {listed(_told(item) for item in strange)}.",
            todo=_again(history),
        )
    control = _cold_pull(history)
    seen = history.during(RequestsSeen, "cold-pull", 0)
    if seen is not None and not seen.problem:
        return _by_log(history, seen.requests, control, expected)
    _make_sure_it_was_cold(history, control)
    if control.private:
        return passed(f"{_pulled_private(control)}: its pull was authenticated.")
    return _by_buckets(history, expected)


def _expected(history: History) -> str:
    seen = history.last(CredentialSeen)
    if seen is None or not seen.expected_account:
        raise NoEvidenceError("Which account should pay is not in the history.")
    return seen.expected_account


def _was_paid(request: RegistryRequest) -> bool:
    """Whether somebody's quota paid for it, or would have, had it not been used up."""
    return request.costs_quota and (request.status < 300 or request.status == 429)


def _again(history: History) -> str:
    chosen = history.last(RecipeChosen)
    return OF_A_HARNESS if chosen and chosen.deployer == "command" else AGAIN


def _told(request: RegistryRequest) -> str:
    return f"{request.repository} by {request.account or 'nobody (anonymous)'}"


def _cold_pull(history: History) -> ColdPullControl:
    control = history.last(ColdPullControl)
    if control is None or not control.ran:
        why = control.problem if control else None
        raise NoEvidenceError(
            f"Who pays for pulls is not known: no cold pull was seen ({why or 'it was not reached'})."
        )
    if registry_of(control.reference) != DOCKER_HUB:
        raise NoEvidenceError(
            f"Who pays for pulls from Docker Hub is not known: {control.reference} is not from there.",
            todo="Name a canary on Docker Hub: `canary` of the host in ccci.toml.",
        )
    return control


def _by_log(
    history: History, requests: Sequence[RegistryRequest], control: ColdPullControl, expected: str
) -> Answer:
    served = [
        request
        for request in requests
        if request.is_layer_download
        and request.registry == DOCKER_HUB
        and request.repository == repository_of(control.reference)
    ]
    if not served:
        raise NoEvidenceError(
            f"Who pays for pulls is not known: the registry served no layer of {control.reference}, "
            "so its pull was not cold.",
            todo="Find what answers for the registry: dockerd's mirrors, prefer-offline, a proxy.",
        )
    others = [request for request in served if request.account != expected]
    if others:
        return failed(
            f"Layers went to others than {expected}: {listed(_told(one) for one in others)}.",
            todo=_again(history),
        )
    manifests = sum(_was_paid(request) for request in requests)
    return passed(
        f"The node pulled {name_of(control.reference)} as {expected}: {count(len(served), 'layer')} and "
        f"{count(manifests, 'manifest')}; nothing was asked anonymously.",
        *([f"{_pulled_private(control)}."] if control.private else []),
    )


def _pulled_private(control: ColdPullControl) -> str:
    return f"The swarm pulled {name_of(control.reference)}, which is private"


def _make_sure_it_was_cold(history: History, control: ColdPullControl) -> None:
    """By the store: of the image, which was not there before, layers came in."""
    before, after = store_at(history, "evicted", 0), store_at(history, "cold-pulled", 0)
    there = {image.id for image in before.images}
    wanted = repository_of(control.reference)
    came = {
        layer
        for image in after.images
        if image.id not in there and wanted in {repository_of(name) for name in image.references}
        for layer in image.layers
    }
    if not came & new_layers(before, after):
        raise NoEvidenceError(
            f"Who pays for pulls is not known: no layer of {control.reference} came into the store."
        )


def _by_buckets(history: History, expected: str) -> Answer:
    before = history.at(BucketsSeen, "torn-down", 1)
    after = history.at(BucketsSeen, "cold-pulled", 0)
    if before is None or after is None or before.problem or after.problem:
        raise NoEvidenceError("Who pays for pulls is not known: neither registry log nor buckets were read.")
    spent, anonymous = _spent([before, after], expected), _spent([before, after], None)
    if anonymous:
        return failed(f"The anonymous bucket paid {anonymous} for the cold pull.", todo=_again(history))
    if _spent([seen for seen in history.of(BucketsSeen) if not seen.problem], None):
        raise NoEvidenceError(
            "Somebody at this address pulled anonymously during the run, before the cold pull; who, the "
            "buckets do not say.",
            todo="Run again while nobody else at this address pulls, or name the registry's access log.",
        )
    if spent is not None and spent > RESOLUTION and anonymous == 0:
        return passed(f"The bucket of {expected} paid {spent} for the cold pull, and the anonymous one none.")
    raise NoEvidenceError("Who pays for pulls is not known: the rate-limit headers do not say.")


def _spent(looks: Sequence[BucketsSeen], account: str | None) -> int | None:
    """What the account's bucket lost between looks, a new window apart; None when one does not say."""
    figures = [_remaining(seen, account) for seen in looks]
    known = [figure for figure in figures if figure is not None]
    if len(known) < len(figures):
        return None
    return sum(max(0, was - now) for was, now in pairwise(known))


def _remaining(seen: BucketsSeen, account: str | None) -> int | None:
    own = (bucket for bucket in seen.buckets if bucket.account == account and not bucket.problem)
    return next((bucket.remaining for bucket in own), None)
