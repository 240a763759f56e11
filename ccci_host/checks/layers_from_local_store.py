"""Whether the redeploy downloaded a layer of the recipe."""

from collections.abc import Sequence
from functools import partial

from ccci_host.checks.finding import Answer, NoEvidenceError, unknown
from ccci_host.checks.reading import (
    before_redeploy,
    began,
    count,
    deployment,
    images_of,
    in_each_cycle,
    in_one_deploy,
    is_whole,
    listed,
    moved,
    name_of,
    new_layers,
    readable_size,
    repository_of,
    store_at,
    unheard_at,
)
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.checks.stance import Place, Stance, together
from ccci_host.checks.weights import above_noise, lightest_loss, manifests, recipe_weight
from ccci_host.records import (
    DeployedService,
    History,
    InterfaceSeen,
    RecipeChosen,
    RequestsSeen,
    StoreSeen,
)
from ccci_host.verdict import Verdict

STORE = "layer store"
LOG = "registry log"
INTERFACE = "interface bytes"
store_says = partial(Stance, STORE, "on the host")
log_says = partial(Stance, LOG, "outside")


@check(
    pc="PC3",
    sentence="deploy → teardown → redeploy downloads no layer",
    witnesses=(STORE, LOG, INTERFACE),
    tasks=REDEPLOYS,
    order=20,
)
def layers_from_local_store(history: History) -> Answer:
    """Two witnesses that agree, one outside the daemon; a tag that moved upstream convicts nobody.

    Nor does a service that only one of the deploys had: but of such a redeploy nothing is shown as a whole.
    """
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    changed, alone = moved(history, cycle), in_one_deploy(history, cycle)
    services = [
        service
        for service in deployment(history, "redeploy", cycle).services
        if service.name not in changed and service.name not in alone
    ]
    names = tuple(dict.fromkeys(name_of(service.image) for service in services))
    how = "a reboot and a redeploy" if began(history, "reboot", cycle) else "a redeploy"
    stances = (
        _by_store(history, cycle, services),
        _by_log(history, cycle, services),
        _by_interface(history, cycle),
    )
    named = tuple(dict.fromkeys(image for stance in stances for image in stance.images))
    answer = together(
        stances,
        acquitted=f"{count(len(names), 'image')} went through {how} without one layer being downloaded.",
        convicted=f"The redeploy downloaded {listed(named)} again",
        images="the layers",
    )
    if alone and answer.verdict is not Verdict.FAIL:
        return unknown(
            f"Not the same services were deployed twice: {listed(alone)} only once, so the redeploy is no "
            "repeat of the deploy.",
            *answer.details,
            todo="Find why the deploys differ, the recipe's files or what deploys it; then run again.",
        )
    if changed and answer.verdict is not Verdict.FAIL:
        moves = "; ".join(f"{service}: {then} then, {now} now" for service, (then, now) in changed.items())
        return unknown(
            f"Moved upstream between the deploys, so the redeploy had to download: {moves}.",
            *answer.details,
            todo="Run again: both deploys must mean the same images.",
        )
    return answer


def _by_store(history: History, cycle: int, services: Sequence[DeployedService]) -> Stance:
    try:
        before = store_at(history, before_redeploy(history, cycle), cycle)
        after = store_at(history, "redeployed", cycle)
    except NoEvidenceError as missing:
        return store_says("silent", missing.reason.removesuffix("."))
    fresh = new_layers(before, after)
    guilty: list[str] = []
    unseen: list[str] = []
    used: set[str] = set()
    for image, stored in images_of(services, after).items():
        if stored is None or not is_whole(after, stored):
            unseen.append(name_of(image))
            continue
        used.update(stored.layers)
        if fresh.intersection(stored.layers):
            guilty.append(name_of(image))
    if guilty:
        told = f"{count(len(fresh & used), 'layer')} written to disk"
        return store_says("convicts", told, tuple(guilty))
    if unseen:
        return store_says("silent", f"it does not show {listed(unseen)} after the redeploy")
    if not used:
        return store_says("silent", "no service has an image with a digest")
    return store_says("acquits", f"all {len(used)} layers were on disk before the redeploy, untouched by it")


def _by_log(history: History, cycle: int, services: Sequence[DeployedService]) -> Stance:
    seen = history.during(RequestsSeen, "redeploy", cycle)
    if seen is None:
        return log_says("silent", "not read")
    if seen.problem:
        return log_says("silent", seen.problem)
    blobs = _blobs(history, cycle, services)
    whole = _whole(history, cycle)
    repositories = {repository_of(service.image): name_of(service.image) for service in services}
    by_place = {
        repository_of(service.image): name_of(service.image)
        for service in services
        if service.digest not in whole
    }
    guilty: list[str] = []
    served = 0
    for request in seen.requests:
        if not request.is_layer_download:
            continue
        owner = blobs.get(request.digest or request.reference) or by_place.get(request.repository)
        if owner is not None:
            guilty.append(owner)
            served += request.bytes
    if guilty:
        return log_says(
            "convicts",
            f"{count(len(guilty), 'layer')} of {readable_size(served)} served",
            tuple(dict.fromkeys(guilty)),
        )
    asked = {request.repository for request in seen.requests if request.what == "manifest"}
    unheard = [name for repository, name in _resolved(history, repositories) if repository not in asked]
    if unheard:
        return log_says("silent", f"it shows no request at all for {listed(unheard)}, so it missed some")
    deaf = unheard_at(history, services)
    if deaf:
        return log_says("silent", f"it never showed a request at the registry of {listed(deaf)}")
    others = sorted({one.repository for one in seen.requests if one.is_layer_download})
    apart = f"; layers of what is no image of the recipe: {listed(others)}" if others else ""
    told = f"{count(len(seen.requests), 'request')}, none for a layer of the recipe{apart}"
    return log_says("acquits", told)


def _by_interface(history: History, cycle: int) -> Stance:
    seen = history.during(InterfaceSeen, "redeploy", cycle)
    place: Place = "outside" if seen is None or seen.source == "outside" else "on the host"
    stance = partial(Stance, INTERFACE, place)
    if seen is None or seen.problem:
        return stance("silent", (seen.problem if seen else None) or "not read")
    came = above_noise(history, seen)
    if came is None or seen.bytes is None:
        return stance("silent", "its counter stood still, or the noise on it was not measured")
    lightest = lightest_loss(history, cycle)
    if lightest is None:
        return stance("silent", "what a download would weigh is not known from the manifests")
    figures = f"{readable_size(came)} came in above the noise"
    weight = recipe_weight(history, cycle)
    if came < lightest and seen.bytes < weight:
        return stance("acquits", f"{figures}; the lightest image alone would bring {readable_size(lightest)}")
    if came - _logged(history, cycle) >= weight:
        return stance("suspects", f"{figures}, as much as the recipe weighs, and no registry accounts for it")
    loud = f"{readable_size(seen.bytes)} came in, as much as the recipe weighs, and it may not all be noise"
    enough = f"{figures}: enough for an image of {readable_size(lightest)}"
    return stance("silent", loud if came < lightest else enough)


def _logged(history: History, cycle: int) -> int:
    """Bytes that the registries say they sent during the redeploy, whoever asked for them on this host."""
    seen = history.during(RequestsSeen, "redeploy", cycle)
    return sum(request.bytes for request in seen.requests) if seen and not seen.problem else 0


def _blobs(history: History, cycle: int, services: Sequence[DeployedService]) -> dict[str, str]:
    """The image's name by the digest of each of its compressed layers, from the manifests and the store.

    By the store of before the redeploy: a download may teach it other names for a layer that it has.
    """
    names = {service.digest: name_of(service.image) for service in services if service.digest}
    blobs: dict[str, str] = {}
    seen = manifests(history, cycle)
    for image in seen.images if seen else ():
        if image.digest in names:
            blobs.update((layer.digest, names[image.digest]) for layer in image.layers)
    store = history.at(StoreSeen, "deployed", cycle)
    if store is not None:
        for reference, stored in images_of(services, store).items():
            own = stored.layers if stored else ()
            layers = (layer for layer in store.layers if layer.key in own)
            blobs.update((blob, name_of(reference)) for layer in layers for blob in layer.blobs)
    return blobs


def _whole(history: History, cycle: int) -> frozenset[str]:
    """Digests of the images all of whose layers the manifests name: another layer is another image's."""
    seen = manifests(history, cycle)
    images = seen.images if seen and not seen.problem else ()
    return frozenset(image.digest for image in images if image.layers and not image.problem)


def _resolved(history: History, repositories: dict[str, str]) -> list[tuple[str, str]]:
    """The repositories whose tags the deploy had to resolve, so that the log must show them; with a name."""
    chosen = history.first(RecipeChosen)
    by_tag = {repository_of(image) for image in (chosen.images if chosen else ()) if "@" not in image}
    return [(repository, name) for repository, name in repositories.items() if repository in by_tag]
