"""The canary: the one image that a control may remove on a host in use, where the operator names one."""

from ccci_host.errors import RefusedError
from ccci_host.experiments.run import Run
from ccci_host.records import StoredImage, StoreSeen
from ccci_host.witnesses.registries import manifest_at_registry, split_reference


def images_of(run: Run, canary: str, store: StoreSeen) -> tuple[StoredImage, ...]:
    """What of `store` the canary's name means: to the daemon, and to its registry.

    Swarm keeps what it pulled by its digest alone, and then the daemon does not know it by the tag. Raises
    `RefusedError` where one of them has another name besides: that is somebody else's, and would go with it.
    """
    digest = manifest_at_registry(run.machine, canary).get("digest")
    found = (stored_as(run, canary, store), store.image_with(digest) if digest else None)
    images = {image.id: image for image in found if image is not None}
    others = [name for image in images.values() for name in image.references if not is_name_of(canary, name)]
    if others:
        raise RefusedError(f"the canary {canary} has other names, which are somebody's: {', '.join(others)}")
    return tuple(images.values())


def stored_as(run: Run, reference: str, store: StoreSeen) -> StoredImage | None:
    """The image that the daemon means by `reference`, as it is in `store`; None when it has none."""
    argv = ["docker", "image", "inspect", "--format", "{{.Id}}", reference]
    done = run.machine.run_repeatable(argv)
    return next((image for image in store.images if done.ok and image.id == done.text), None)


def is_name_of(canary: str, name: str) -> bool:
    """Whether `name` is the canary's own: its tag, or a digest in its repository under no other tag."""
    place, tag = split_reference(canary)[:2], split_reference(canary)[2]
    called, _, digest = name.partition("@")
    if split_reference(called)[:2] != place:
        return False
    has_tag = ":" in called.rpartition("/")[2]
    return split_reference(called)[2] == tag if has_tag or not digest else True
