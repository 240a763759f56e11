"""Who paid for the pulls from Docker Hub."""

from collections.abc import Sequence

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import (
    DOCKER_HUB,
    count,
    expected_account,
    listed,
    name_of,
    new_layers,
    registry_of,
    repository_of,
    store_at,
)
from ccci_host.checks.registry import check
from ccci_host.records import (
    Bucket,
    BucketsSeen,
    ColdPullControl,
    Deployed,
    History,
    Phase,
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

NEIGHBOURS = "Run again while nobody else at this address pulls, or name the registry's access log."

DEPLOY: tuple[Phase, int] = ("deploy", 1)
"""The phase before the cold pull in which the node pulls, and its cycle."""

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
    """Any anonymous `GET` of a manifest is a FAIL, and so is another account's of an image of the run.

    Of any other image that is a neighbour's with a login of his own. A PASS is the cold pull's alone to give.
    What else the account paid for may be swarm's resolution of tags: that the node's own pull carries the PAT
    shows where the node pulled, and without evidence of that it is UNKNOWN. Nor may the anonymous bucket have
    lost anything before the cold pull, where the log does not tell of the deploy.
    """
    expected = expected_account(history)
    if not expected:
        raise NoEvidenceError("Which account should pay is not in the history.")
    strange = [
        request
        for seen in history.of(RequestsSeen)
        for request in seen.requests
        if request.account != expected and _was_paid(request)
    ]
    own = _own_repositories(history)
    wrong = [request for request in strange if request.account is None or request.repository in own]
    if wrong:
        return failed(
            f"Pulled without the PAT of {expected}: {listed(_told(item) for item in wrong)}.",
            todo=_again(history),
        )
    answer = _by_the_cold_pull(history, expected)
    others = [f"No image of the run: {listed(map(_told, strange))}."] if strange else []
    return answer.model_copy(update={"details": (*answer.details, *others)})


def _own_repositories(history: History) -> set[str]:
    """The repositories of the recipe, of what was deployed, and of the cold pull."""
    images = [
        *(image for chosen in history.of(RecipeChosen) for image in chosen.images),
        *(service.image for one in history.of(Deployed) for service in one.deployment.services),
        *(control.reference for control in history.of(ColdPullControl)),
    ]
    return {repository_of(image) for image in images}


def _by_the_cold_pull(history: History, expected: str) -> Answer:
    """Who paid for the cold pull, by the best witness of it that there is."""
    control = _cold_pull(history)
    seen = _log_of(history, "cold-pull", 0)
    if seen is not None:
        return _by_log(history, seen.requests, control, expected)
    _make_sure_it_was_cold(history, control)
    if control.private:
        _make_sure_of_the_deploy(_anonymous_before(history) or 0)
        _make_sure_that_the_account_paid(history, expected)
        return passed(f"{_pulled_private(control)}: its pull was authenticated.")
    return _by_buckets(history, expected)


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


def _log_of(history: History, phase: Phase, cycle: int) -> RequestsSeen | None:
    """What the registry's log tells of that phase; None where it could not be read."""
    seen = history.during(RequestsSeen, phase, cycle)
    return None if seen is None or seen.problem else seen


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
    _make_sure_of_the_deploy(_anonymous_before(history))
    manifests = sum(_was_paid(request) and request.account == expected for request in requests)
    whole = _log_of(history, *DEPLOY) is not None
    rest = "nothing was asked anonymously" if whole else "before that the anonymous bucket paid none"
    return passed(
        f"The node pulled {name_of(control.reference)} as {expected}: {count(len(served), 'layer')} and "
        f"{count(manifests, 'manifest')}; {rest}.",
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


def _make_sure_that_the_account_paid(history: History, expected: str) -> None:
    """Raises where the account's bucket shows that it paid nothing: another login may reach the image too."""
    looks = [history.at(BucketsSeen, "torn-down", 1), history.at(BucketsSeen, "cold-pulled", 0)]
    if _spent(looks, expected) == 0:
        raise NoEvidenceError(
            f"The cold pull of a private image cost {expected} nothing, so another login or another source "
            "served it.",
            todo="See which login the harness deploys with, and what stands between the host and Docker Hub.",
        )


def _by_buckets(history: History, expected: str) -> Answer:
    before = history.at(BucketsSeen, "torn-down", 1)
    after = history.at(BucketsSeen, "cold-pulled", 0)
    if before is None or after is None or before.problem or after.problem:
        raise NoEvidenceError("Who pays for pulls is not known: neither registry log nor buckets were read.")
    spent, anonymous = _spent([before, after], expected), _spent([before, after], None)
    if anonymous and spent is not None and spent > RESOLUTION:
        raise NoEvidenceError(
            f"Both buckets paid while the cold pull went on, that of {expected} {spent} and the anonymous "
            f"one {anonymous}; who else pulled then, they do not say.",
            todo=NEIGHBOURS,
        )
    if anonymous:
        return failed(f"The anonymous bucket paid {anonymous} for the cold pull.", todo=_again(history))
    if spent is None or spent <= RESOLUTION or anonymous is None:
        raise NoEvidenceError("Who pays for pulls is not known: the rate-limit headers do not say.")
    _make_sure_of_the_deploy(_anonymous_before(history))
    return passed(f"The bucket of {expected} paid {spent} for the cold pull, and the anonymous one none.")


def _anonymous_before(history: History) -> int | None:
    """What was paid anonymously before the cold pull: by the log of the deploy nothing, else by the bucket.

    None when neither says.
    """
    if _log_of(history, *DEPLOY) is not None:
        return 0
    first, last = history.at(BucketsSeen, "start", 0), history.at(BucketsSeen, "torn-down", 1)
    amid = [seen for seen in history.of(BucketsSeen) if seen.moment == "deployed" and not seen.problem]
    return _spent([first, *amid, last], None)


def _make_sure_of_the_deploy(anonymous: int | None) -> None:
    """Raises unless nothing was paid anonymously before the cold pull."""
    if anonymous is None:
        raise NoEvidenceError(
            "Who paid for the deploy's pulls is not known: the registry's log does not tell of it, nor does "
            "the anonymous bucket."
        )
    if anonymous:
        raise NoEvidenceError(
            "Somebody at this address pulled anonymously during the run, before the cold pull; who, the "
            "buckets do not say.",
            todo=NEIGHBOURS,
        )


def _spent(looks: Sequence[BucketsSeen | None], account: str | None) -> int | None:
    """What the account's bucket lost over the looks.

    None when one does not say; when it rose, since in a new window nobody knows what the old one lost; and
    when the looks are of two buckets, as where a host has several addresses.
    """
    buckets = [_bucket(seen, account) for seen in looks]
    known = [bucket.remaining for bucket in buckets if bucket and bucket.remaining is not None]
    if len(known) < len(looks) or known != sorted(known, reverse=True):
        return None
    if len({bucket.source for bucket in buckets if bucket}) > 1:
        return None
    return known[0] - known[-1]


def _bucket(seen: BucketsSeen | None, account: str | None) -> Bucket | None:
    buckets = seen.buckets if seen and not seen.problem else ()
    own = (bucket for bucket in buckets if bucket.account == account and not bucket.problem)
    return next(own, None)
