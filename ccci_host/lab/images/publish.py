"""Puts images into the registry behind the stand-in: quickly, and only what is not there yet."""

import json
from collections.abc import Iterable
from pathlib import Path

from ccci_host.errors import NotFoundError
from ccci_host.lab.hub import Hub, parse_reference
from ccci_host.lab.hub.backend import Backend
from ccci_host.lab.hub.certificates import write_atomically
from ccci_host.lab.images.build import build
from ccci_host.lab.images.catalogue import catalogue, stand_in
from ccci_host.lab.images.programs import programs_of
from ccci_host.lab.images.spec import Form, ImageSpec


def publish_all(hub: Hub) -> tuple[str, ...]:
    """Publish the catalogue; the references that had to be (re)published, none when all was there.

    A tag that was moved means its own image again. The hub has to run.
    """
    return publish_specs(hub, catalogue())


def publish(
    hub: Hub,
    reference: str,
    *,
    size: int = 1024 * 1024,
    form: Form = "oci-index",
    programs: tuple[str, ...] = (),
) -> str:
    """Publish a stand-in for a public image under `reference`; its digest. See `catalogue.stand_in`.

    Raises `NotFoundError` when the hub does not answer as that registry.
    """
    spec = stand_in(reference, size=size, form=form, programs=programs)
    known = {"docker.io", *hub.settings.registries}
    if spec.reference.registry not in known:
        raise NotFoundError(
            f"The lab has no stand-in for the registry {spec.reference.registry}.",
            details=f"It stands in for {', '.join(sorted(known))}.",
            resolution="Add it with `Hub.add_registries`, as `lab.publishing` does.",
        )
    publish_specs(hub, [spec])
    return hub.digest(spec.reference)


def publish_for_recipe(hub: Hub, recipe: Path, images: Iterable[str]) -> tuple[str, ...]:
    """Publish a stand-in for each of `images` that is not the lab's own, fit for the recipe in that folder.

    Returns the references that were published. Raises as `publish` does.
    """
    programs = programs_of(recipe)
    own = {str(spec.reference) for spec in catalogue()}
    wanted = [image for image in dict.fromkeys(images) if str(parse_reference(image)) not in own]
    for image in wanted:
        publish(hub, image, programs=programs)
    return tuple(wanted)


def publish_specs(hub: Hub, specs: Iterable[ImageSpec]) -> tuple[str, ...]:
    """Publish `specs`, and say which of them were not there as they should be."""
    file = hub.paths.published
    published: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.exists() else {}
    done = []
    with hub.backend() as registry:
        pushing = _Pushing(registry)
        for spec in specs:
            name = str(spec.reference)
            if _is_there(registry, spec, published.get(name)):
                continue
            published[name] = {"key": spec.key, "digest": pushing.push(spec)}
            done.append(name)
    if done:
        write_atomically(file, json.dumps(published, indent=1).encode(), 0o600)
    return tuple(done)


def _is_there(registry: Backend, spec: ImageSpec, known: dict[str, str] | None) -> bool:
    if known is None or known["key"] != spec.key:
        return False
    repository = spec.reference.backend_repository
    try:
        found = {registry.get_manifest(repository, tag)[2] for tag in (spec.reference.tag, *spec.aliases)}
    except NotFoundError:
        return False
    return found == {known["digest"]}


class _Pushing:
    """Remembers which repository holds a blob, so that a shared layer is sent once."""

    def __init__(self, registry: Backend) -> None:
        self._registry = registry
        self._holders: dict[str, str] = {}

    def push(self, spec: ImageSpec) -> str:
        image = build(spec)
        repository = spec.reference.backend_repository
        for digest, content in image.blobs.items():
            if self._holders.get(digest) != repository:
                holder = self._holders.get(digest)
                self._registry.put_blob(repository, digest, content, from_repository=holder)
                self._holders[digest] = repository
        for manifest in image.manifests:
            self._registry.put_manifest(repository, manifest.digest, manifest.content, manifest.media_type)
        for tag in (spec.reference.tag, *spec.aliases):
            self._registry.put_manifest(repository, tag, image.top.content, image.top.media_type)
        return image.top.digest
