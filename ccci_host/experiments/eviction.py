"""The eviction control: one image is removed on purpose, and the witnesses must see it come back.

On a disposable host it is an image of the recipe, and the whole recipe is redeployed. On a host in use it is
the canary that the operator names, pulled again by itself.
"""

from ccci_host.errors import CcciError
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
from ccci_host.witnesses.buckets import BucketsWitness
from ccci_host.witnesses.registries import split_reference

LEAST_QUOTA = 10
"""Pulls that the account must have left before a canary is pulled again on a host in use."""


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


def choose(deployment: Deployment, store: StoreSeen) -> tuple[str, StoredImage] | None:
    """The reference and image of the recipe that costs least to lose and has layers of its own."""
    found = {}
    for service in deployment.services:
        image = store.image_with(service.digest) if service.digest else None
        if image and store.layers_only_of(image.id):
            found[service.image] = image
    if not found:
        return None
    weights = {layer.key: layer.size for layer in store.layers}

    def weight(reference: str) -> tuple[int, str]:
        return sum(weights.get(key, 0) for key in store.layers_only_of(found[reference].id)), reference

    chosen = min(found, key=weight)
    return chosen, found[chosen]


def _evict_from_recipe(
    run: Run, app: App, deployer: Deployer, deployment: Deployment, store: StoreSeen
) -> None:
    chosen = choose(deployment, store)
    if chosen is None:
        _not_run(run, "every image of the recipe shares all its layers with another")
        return
    reference, image = chosen
    with run.phase("evict"):
        run.write(_evicted(run, reference, image, store, canary=False))
        run.look("evicted")
    with run.phase("control-redeploy"), run.counted("control-redeploy"):
        again = deployer.deploy(run.machine, app)
    run.write(Deployed(phase="control-redeploy", cycle=0, deployment=again))
    run.look("control-redeployed")


def _evict_canary(run: Run, canary: str) -> None:
    quota = BucketsWitness().look(run.machine, "evicted", 0)
    run.write(quota)
    if split_reference(canary)[0] == "docker.io" and not enough(quota):
        _not_run(run, f"less than {LEAST_QUOTA} pulls are left to the account, or nobody knows how many")
        return
    try:
        with doing(f"pulling the canary {canary}"):
            _pull(run, canary)
        before = run.look("evicted")
        image = stored_as(run, canary, before) if before else None
    except CcciError as error:
        _not_run(run, f"the canary could not be pulled: {error}")
        return
    if before is None or image is None:
        _not_run(run, "the canary is not found in the store after its pull")
        return
    with run.phase("evict"):
        run.write(_evicted(run, canary, image, before, canary=True))
        run.look("evicted")
    with run.phase("control-redeploy"), run.counted("control-redeploy"):
        _pull(run, canary)
    run.look("control-redeployed")


def enough(quota: BucketsSeen) -> bool:
    """Whether the account is known to have pulls to spare."""
    left = [bucket.remaining for bucket in quota.buckets if bucket.account is not None]
    return any(remaining is not None and remaining >= LEAST_QUOTA for remaining in left)


def _evicted(
    run: Run, reference: str, image: StoredImage, store: StoreSeen, *, canary: bool
) -> EvictionControl:
    layers = store.layers_only_of(image.id)
    known = [store.layer(key) for key in layers]
    removed = remove_image(run.machine, image)
    return EvictionControl(
        ran=True,
        canary=canary,
        reference=reference,
        image_id=image.id,
        removed=removed,
        layers=layers,
        blobs=tuple(blob for layer in known if layer for blob in layer.blobs),
    )


def _pull(run: Run, reference: str) -> None:
    folder = run.machine.config.hub.docker_config.rpartition("/")[0]
    run.machine.executor.run(["docker", "--config", folder, "pull", "--quiet", reference], timeout=600).check(
        "See whether the image exists and the account may pull it."
    )


def stored_as(run: Run, reference: str, store: StoreSeen) -> StoredImage | None:
    """The image that the daemon means by `reference`, as it is in `store`; None when it has none."""
    argv = ["docker", "image", "inspect", "--format", "{{.Id}}", reference]
    done = run.machine.executor.run(argv)
    return next((image for image in store.images if done.ok and image.id == done.text), None)


def _not_run(run: Run, problem: str) -> None:
    run.write(EvictionControl(ran=False, problem=problem))
