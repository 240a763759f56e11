"""The eviction control: one image is removed on purpose, and the witnesses must see it come back.

On a disposable host it is an image of the recipe, and the whole recipe is redeployed. On a host in use it is
the canary that the operator names, pulled again by itself.
"""

from dataclasses import dataclass

from ccci_host.errors import CcciError
from ccci_host.experiments.canary import images_of
from ccci_host.experiments.removal import remove_image
from ccci_host.experiments.run import Run
from ccci_host.progress import doing
from ccci_host.recipes import App, Deployer
from ccci_host.records import (
    BucketsSeen,
    Deployed,
    Deployment,
    EvictionControl,
    StoredImage,
    StoreSeen,
)
from ccci_host.witnesses import manifests
from ccci_host.witnesses.buckets import BucketsWitness
from ccci_host.witnesses.registries import split_reference

LEAST_QUOTA = 10
"""Pulls that the account must have left before a canary is pulled again on a host in use."""
TOO_LITTLE = f"less than {LEAST_QUOTA} pulls are left to the account, or Docker Hub did not answer"


def control(run: Run, app: App, deployer: Deployer, deployment: Deployment, store: StoreSeen | None) -> None:
    """Run the control that fits the host, after the last teardown; `store` is the last look at the store."""
    if store is None or store.problem is not None:
        _not_run(run, "the image store could not be read, so no image could be chosen")
    elif run.machine.config.disposable:
        _evict_from_recipe(run, app, deployer, deployment, store)
    elif run.machine.config.canary:
        _evict_canary(run, run.machine.config.canary)
    else:
        _not_run(run, "the host is not disposable and its configuration names no canary image")


@dataclass(frozen=True, slots=True)
class Victim:
    """An image to be removed, with those that must go along so that layers go at all."""

    reference: str
    """As the service's spec has it."""
    image: StoredImage
    companions: tuple[StoredImage, ...]
    """Images outside the recipe on the same topmost layer: earlier builds of it, say."""
    layers: tuple[str, ...]
    """Keys of the layers of `image` that no other image would hold then."""


def choose(deployment: Deployment, store: StoreSeen) -> Victim | None:
    """The image of the recipe that costs least to download again and has layers of its own."""
    found = {service.image: store.image_with(service.digest or "-") for service in deployment.services}
    recipe = {image.id for image in found.values() if image}
    weights = {layer.key: layer.size for layer in store.layers}
    victims = [victim(reference, image, recipe, store) for reference, image in found.items() if image]
    return min(
        (one for one in victims if one.layers),
        key=lambda one: (sum(weights.get(key, 0) for key in one.layers), one.reference),
        default=None,
    )


def victim(reference: str, image: StoredImage, keep: set[str], store: StoreSeen) -> Victim:
    """What goes with `image`, whose reference is given, and what is lost; ids in `keep` never go along."""
    companions = tuple(
        other
        for other in store.images
        if other.id not in keep | {image.id} and image.layers and image.layers[-1] in other.layers
    )
    going = {image.id, *(other.id for other in companions)}
    held = {key for other in store.images if other.id not in going for key in other.layers}
    layers = tuple(dict.fromkeys(key for key in image.layers if key not in held))
    return Victim(reference, image, companions, layers)


def _evict_from_recipe(
    run: Run, app: App, deployer: Deployer, deployment: Deployment, store: StoreSeen
) -> None:
    chosen = choose(deployment, store)
    if chosen is None:
        _not_run(run, "every image of the recipe shares all its layers with another")
        return
    with run.phase("evict"):
        run.write(_evicted(run, chosen, store, canary=False))
        run.look("evicted")
    with run.phase("control-redeploy"), run.counted("control-redeploy"):
        again = deployer.deploy(run.machine, app)
    run.write(Deployed(phase="control-redeploy", cycle=0, deployment=again))
    run.look("control-redeployed")


def _evict_canary(run: Run, canary: str) -> None:
    quota = BucketsWitness().look(run.machine, "evicted", 0)
    run.write(quota)
    if split_reference(canary)[0] == "docker.io" and not enough(quota):
        _not_run(run, TOO_LITTLE)
        return
    try:
        with doing(f"pulling the canary {canary}"):
            _pull(run, canary)
        before = run.look("evicted")
        images = images_of(run, canary, before) if before else ()
    except CcciError as error:
        _not_run(run, f"the canary could not be had: {error.brief}")
        return
    if before is None or len(images) != 1:
        _not_run(run, f"{len(images)} images in the store are the canary after its pull, and it takes one")
        return
    [image] = images
    digest = next(iter(image.digests), image.id)
    weight = manifests.look(run.machine, (f"{canary.partition('@')[0]}@{digest}",), before, 0)
    run.write(weight.model_copy(update={"of": "canary"}))
    with run.phase("evict"):
        run.write(_evicted(run, victim(canary, image, _all_but(image, before), before), before, canary=True))
        run.look("evicted")
    with run.phase("control-redeploy"), run.counted("control-redeploy"):
        _pull(run, canary)
    run.look("control-redeployed")


def enough(quota: BucketsSeen) -> bool:
    """Whether the account has pulls to spare, or is one whose pulls Docker Hub does not count: a paid one."""
    own = [bucket for bucket in quota.buckets if bucket.account is not None]
    return any(bucket.uncounted or (bucket.remaining or 0) >= LEAST_QUOTA for bucket in own)


def _evicted(run: Run, chosen: Victim, store: StoreSeen, *, canary: bool) -> EvictionControl:
    known = [store.layer(key) for key in chosen.layers]
    going = (chosen.image, *chosen.companions)
    control = EvictionControl(
        ran=True,
        canary=canary,
        reference=chosen.reference,
        image_id=chosen.image.id,
        removed_ids=tuple(image.id for image in going),
        layers=chosen.layers,
        blobs=tuple(blob for layer in known if layer for blob in layer.blobs),
    )
    removed: list[str] = []
    try:
        for image in going:
            removed += remove_image(run.machine, image)
    except BaseException as error:  # a Ctrl-C too: what is gone by then was removed on purpose
        run.write(control.model_copy(update={"ran": False, "problem": f"it was not removed whole: {error}"}))
        raise
    return control.model_copy(update={"removed": tuple(removed)})


def _all_but(image: StoredImage, store: StoreSeen) -> set[str]:
    """On a host in use nothing goes along."""
    return {other.id for other in store.images} - {image.id}


def _pull(run: Run, reference: str) -> None:
    folder = run.machine.config.hub.docker_config.rpartition("/")[0]
    argv = ["docker", "--config", folder, "pull", "--quiet", reference]
    run.machine.run_repeatable(argv, timeout=600).check(
        "See whether the image exists and the account may pull it."
    )


def _not_run(run: Run, problem: str) -> None:
    run.write(EvictionControl(ran=False, problem=problem))
