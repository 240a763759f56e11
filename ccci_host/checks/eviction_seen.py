"""Control: whether the witnesses see a download that is known to have happened."""

from typing import NamedTuple

from ccci_host.checks.finding import Answer, NoEvidenceError, passed, unknown
from ccci_host.checks.reading import (
    count,
    listed,
    name_of,
    new_layers,
    readable_size,
    repository_of,
    store_at,
)
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.checks.weights import above_noise
from ccci_host.records import (
    EvictionControl,
    History,
    InterfaceSeen,
    ManifestsSeen,
    RequestsSeen,
    StoreSeen,
    digest_of,
)


class Saw(NamedTuple):
    """What a witness has of the known download: the evicted layers, and nothing else."""

    told: str
    outside: bool = False
    """Whether it watches from outside the daemon under test."""


class Missed(NamedTuple):
    """What a witness has instead, though it was readable."""

    told: str


@check(
    pc="PC3",
    sentence="the witnesses report exactly the layers of an image that was evicted on purpose",
    witnesses=("layer store", "registry log", "interface bytes"),
    tasks=REDEPLOYS,
    order=30,
)
def eviction_seen(history: History) -> Answer:
    """A witness that was readable and misses the evicted layers is blind, and so is the whole run."""
    control = history.last(EvictionControl)
    if control is None or not control.ran:
        raise NoEvidenceError(
            "Blind: no image was evicted on purpose, so nobody knows whether the witnesses can see "
            f"({control.problem if control and control.problem else 'the control was not reached'}).",
            todo="Name an image that the control may remove: `canary` of the host in ccci.toml.",
        )
    if not control.layers:
        raise NoEvidenceError(
            f"Blind: {name_of(control.reference)} was evicted, but other images hold all its layers.",
            todo="Name a canary with layers of its own.",
        )
    sights: list[Saw | Missed] = []
    silent: list[str] = []
    for witness in (_store, _log, _interface):
        try:
            sights.append(witness(history, control))
        except NoEvidenceError as missing:
            silent.append(missing.reason)
    saw = [sight.told for sight in sights if isinstance(sight, Saw)]
    blind = [sight.told for sight in sights if isinstance(sight, Missed)]
    if blind:
        return unknown(
            f"Blind: {name_of(control.reference)} was evicted and pulled again, and {'; '.join(blind)}.",
            *saw,
            *silent,
            todo="A witness that misses a known download proves nothing; see the report's controls.",
        )
    if len(saw) < 2 or not any(isinstance(sight, Saw) and sight.outside for sight in sights):
        return unknown(
            f"Blind: after the eviction of {name_of(control.reference)} only this was seen: {listed(saw)} "
            f"({'; '.join(silent)}).",
            *silent,
            todo="Make the registry log or the interface counters readable, and run again.",
        )
    return passed(
        f"With {name_of(control.reference)} evicted, {listed(saw)}.",
        *(f"not readable: {why}" for why in silent),
    )


def _store(history: History, control: EvictionControl) -> Saw | Missed:
    after = store_at(history, "control-redeployed", 0)
    fresh = new_layers(store_at(history, "evicted", 0), after)
    stored = after.image_with(control.image_id) or after.image_with(digest_of(control.reference))
    ours = fresh.intersection(stored.layers) if stored else fresh
    expected = frozenset(control.layers)
    if ours == expected:
        return Saw(f"the layer store reported exactly its {count(len(expected), 'layer')}")
    return Missed(f"the layer store reported {len(ours)} of {count(len(expected), 'layer')}")


def _log(history: History, control: EvictionControl) -> Saw | Missed:
    seen = history.during(RequestsSeen, "control-redeploy", 0)
    if seen is None or seen.problem:
        raise NoEvidenceError(f"the registry log: {seen.problem if seen else 'not read'}")
    names = _names(history, control)
    if not all(names):
        raise NoEvidenceError("the registry log: what it calls the evicted layers is not known")
    repository = repository_of(control.reference)
    served = {
        request.digest or request.reference
        for request in seen.requests
        if request.is_layer_download and request.repository == repository
    }
    back = [blobs for blobs in names if blobs & served]
    strange = served.difference(*names)
    if len(back) == len(names) and not strange:
        return Saw(f"the registry log showed exactly its {count(len(names), 'layer')}", outside=True)
    others = f", and {len(strange)} of other images" if strange else ""
    return Missed(f"the registry log showed {len(back)} of {count(len(names), 'layer')}{others}")


def _names(history: History, control: EvictionControl) -> list[set[str]]:
    """What a registry may call each evicted layer: the digests that the store ever knew for it."""
    looks = history.of(StoreSeen)
    known = [[layer for look in looks if (layer := look.layer(key))] for key in control.layers]
    return [{blob for layer in layers for blob in layer.blobs} & {*control.blobs} for layers in known]


def _interface(history: History, control: EvictionControl) -> Saw | Missed:
    seen = history.during(InterfaceSeen, "control-redeploy", 0)
    if seen is None or seen.problem:
        raise NoEvidenceError(f"the interface: {seen.problem if seen else 'not read'}")
    came = above_noise(history, seen)
    images = (image for look in history.of(ManifestsSeen) for image in look.images)
    sizes = {layer.digest: layer.size for image in images for layer in image.layers}
    weights = [[sizes[blob] for blob in blobs if blob in sizes] for blobs in _names(history, control)]
    if came is None or not all(weights):
        raise NoEvidenceError("the interface: the noise on it or the weight of the layers is not known")
    weight = sum(map(min, weights))
    outside = seen.source == "outside"
    inside = "" if outside else " (counted inside the guest)"
    told = f"the interface carried {readable_size(came)} for layers of {readable_size(weight)}{inside}"
    return Saw(told, outside) if came >= weight else Missed(told)
