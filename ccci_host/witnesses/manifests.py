"""What a download of the recipe's images would weigh: the compressed bytes of their layers.

On the containerd store these are the sizes of its content blobs. The classic store keeps no compressed
layer, so the registry is asked by `HEAD` for the blobs that the daemon remembers: no quota, no layer.
"""

from typing import Any

from ccci_host.records import ImageManifest, ManifestLayer, ManifestsSeen, StoredImage, StoreSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.registries import ask, split_reference


def look(machine: Machine, references: tuple[str, ...], store: StoreSeen, cycle: int) -> ManifestsSeen:
    """The weights of the images that `references` (with digests) name, which are in `store`."""
    if store.problem is not None:
        return ManifestsSeen(cycle=cycle, problem=f"the store could not be read: {store.problem}")
    if store.store == "containerd":
        return ManifestsSeen(
            cycle=cycle, images=tuple(_from_content(reference, store) for reference in references)
        )
    found = {reference: store.image_with(digest_of(reference)) for reference in references}
    questions = [_question(reference, image, store) for reference, image in found.items() if image]
    said = ask(machine, sizes=questions) if questions else {"sizes": []}
    if "problem" in said:
        return ManifestsSeen(cycle=cycle, problem=said["problem"])
    answers = dict(zip([name for name, image in found.items() if image], said["sizes"], strict=True))
    return ManifestsSeen(
        cycle=cycle,
        images=tuple(_from_registry(reference, answers.get(reference)) for reference in references),
    )


def digest_of(reference: str) -> str:
    """The digest of a reference; empty when it has none, which no image carries."""
    return reference.partition("@")[2]


def _from_content(reference: str, store: StoreSeen) -> ImageManifest:
    digest = digest_of(reference)
    image = store.image_with(digest)
    if image is None:
        return ImageManifest(reference=reference, digest=digest, problem="the image is not in the store")
    layers = [store.layer(key) for key in dict.fromkeys(image.layers)]
    known = tuple(ManifestLayer(digest=layer.key, size=layer.size) for layer in layers if layer)
    return ImageManifest(
        reference=reference,
        digest=digest,
        layers=known,
        source="content store",
        problem=None if len(known) == len(layers) and known else "not all of its layers are in the store",
    )


def _question(reference: str, image: StoredImage, store: StoreSeen) -> dict[str, Any]:
    registry, repository, _ = split_reference(reference)
    layers = [store.layer(key) for key in dict.fromkeys(image.layers)]
    return {
        "registry": registry,
        "repository": repository,
        "digests": [list(layer.blobs) if layer else [] for layer in layers],
    }


def _from_registry(reference: str, answer: dict[str, Any] | None) -> ImageManifest:
    digest = digest_of(reference)
    if answer is None:
        return ImageManifest(reference=reference, digest=digest, problem="the image is not in the store")
    if "problem" in answer:
        return ImageManifest(reference=reference, digest=digest, source="registry", problem=answer["problem"])
    layers = answer["layers"]
    known = tuple(ManifestLayer(**layer) for layer in layers if layer)
    return ImageManifest(
        reference=reference,
        digest=digest,
        layers=known,
        source="registry",
        problem=None
        if len(known) == len(layers) and known
        else "the registry does not know all of its layers",
    )
