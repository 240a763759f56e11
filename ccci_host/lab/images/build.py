"""Makes an image's blobs and manifests from its specification."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ccci_host.lab.images import rootfs
from ccci_host.lab.images.layers import Layer, digest_of, filler
from ccci_host.lab.images.spec import Form, ImageSpec, Role

_FOREIGN_FILLER = 4096
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MediaTypes:
    """How one family of image formats calls its parts."""

    index: str
    manifest: str
    config: str
    layer: str


_OCI = MediaTypes(
    index="application/vnd.oci.image.index.v1+json",
    manifest="application/vnd.oci.image.manifest.v1+json",
    config="application/vnd.oci.image.config.v1+json",
    layer="application/vnd.oci.image.layer.v1.tar+gzip",
)
_DOCKER = MediaTypes(
    index="application/vnd.docker.distribution.manifest.list.v2+json",
    manifest="application/vnd.docker.distribution.manifest.v2+json",
    config="application/vnd.docker.container.image.v1+json",
    layer="application/vnd.docker.image.rootfs.diff.tar.gzip",
)
_TYPES: dict[Form, MediaTypes] = {"oci-index": _OCI, "docker-list": _DOCKER, "docker-single": _DOCKER}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or index as a registry stores it."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """What it is known by."""
        return digest_of(self.content)


@dataclass(frozen=True, slots=True)
class Built:
    """An image whole: what has to be in the repository before `top` can be tagged."""

    blobs: dict[str, bytes]
    manifests: tuple[Manifest, ...]
    """The platforms' manifests that `top` names; none when `top` is itself a platform's."""
    top: Manifest


def build(spec: ImageSpec) -> Built:
    """The image of `spec`; the same bytes every time."""
    types = _TYPES[spec.form]
    blobs: dict[str, bytes] = {}
    if spec.form == "docker-single":
        return Built(blobs, (), _platform(spec, types, rootfs.native(), blobs))
    manifests = {
        architecture: _platform(spec, types, architecture, blobs) for architecture in rootfs.ARCHITECTURES
    }
    index = {
        "schemaVersion": 2,
        "mediaType": types.index,
        "manifests": [
            _descriptor(manifest.media_type, manifest.content)
            | {"platform": {"architecture": architecture, "os": "linux"}}
            for architecture, manifest in manifests.items()
        ],
    }
    return Built(blobs, tuple(manifests.values()), Manifest(types.index, _json(index)))


def _platform(spec: ImageSpec, types: MediaTypes, architecture: str, blobs: dict[str, bytes]) -> Manifest:
    layers = _layers(spec, architecture)
    config = _json(_config(spec, architecture, layers))
    blobs[digest_of(config)] = config
    blobs.update({layer.digest: layer.blob for layer in layers})
    manifest = {
        "schemaVersion": 2,
        "mediaType": types.manifest,
        "config": _descriptor(types.config, config),
        "layers": [_descriptor(types.layer, layer.blob) for layer in layers],
    }
    return Manifest(types.manifest, _json(manifest))


def _layers(spec: ImageSpec, architecture: str) -> list[Layer]:
    layers = [rootfs.base(architecture)]
    if architecture != rootfs.native():
        # Nobody here runs the other architecture: it is there, and small.
        return [*layers, _filler(f"{spec.reference}-{architecture}", _FOREIGN_FILLER)]
    if spec.role == "stand-in":
        layers.append(rootfs.helpers(spec.programs))
    return [*layers, *(_filler(wanted.name, wanted.size) for wanted in spec.layers)]


@lru_cache(maxsize=64)  # images that share a layer are published one after the other
def _filler(name: str, size: int) -> Layer:
    return filler(name, size, mtime=rootfs.MTIME)


def _config(spec: ImageSpec, architecture: str, layers: list[Layer]) -> dict[str, Any]:
    return {
        "architecture": architecture,
        "os": "linux",
        "created": spec.created,
        "config": {"Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], **_run(spec.role)},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": spec.created, "created_by": "ccci-host lab"} for _ in layers],
    }


def _run(role: Role) -> dict[str, Any]:
    if role != "keeper":
        return {"Entrypoint": [rootfs.SERVE], "ExposedPorts": {"80/tcp": {}}}
    return {
        "Entrypoint": [rootfs.KEEP],
        "Volumes": {"/var/lib/data": {}},
        "Healthcheck": {
            "Test": ["CMD", "test", "-e", "/tmp/ready"],  # noqa: S108 - in the image
            "Interval": 2 * _SECOND,
            "Timeout": 2 * _SECOND,
            "Retries": 5,
        },
    }


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
