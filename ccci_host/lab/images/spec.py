"""What an image of the lab is to look like, before any byte of it is made."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from ccci_host.lab.hub import Reference
from ccci_host.lab.images import rootfs

Form = Literal["oci-index", "docker-list", "docker-single"]
"""The manifests of it: an OCI index, a Docker manifest list, or a single Docker schema 2 manifest."""

Role = Literal["server", "keeper", "stand-in"]
"""What it runs: a web server; a process with a data folder and a health check; whatever a recipe asks for."""


@dataclass(frozen=True, slots=True)
class Filler:
    """A layer of `size` bytes. Two images that name the same one share it."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """One image under one tag, and under `aliases`, further tags of the same repository."""

    reference: Reference
    created: str
    """When its publisher built it, ISO 8601: years ago, as at Docker Hub."""
    layers: tuple[Filler, ...]
    form: Form = "oci-index"
    role: Role = "server"
    aliases: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    """Of a stand-in: further programs that a recipe starts in it."""

    @property
    def key(self) -> str:
        """Changes with whatever its bytes depend on."""
        parts = f"{self!r} {_code()} {hashlib.sha256(rootfs.busybox()).hexdigest()}"
        return hashlib.sha256(parts.encode()).hexdigest()


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for name in ("layers.py", "rootfs.py", "build.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()
