"""Image references as Docker reads them, in their full form.

The rules are those of the distribution project's reference grammar: the first component is a registry when
it holds a dot or a colon or is `localhost`; `docker.io/library/` is implied; so is the tag `latest`, unless a
digest is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Optional

DEFAULT_REGISTRY = "docker.io"
DEFAULT_NAMESPACE = "library"
HUB_ALIASES = ("index.docker.io", "registry-1.docker.io")
"""Other names of the default registry."""

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})$")
_SHORT_ID = re.compile(r"(?:sha256:)?[0-9a-f]{6,64}$")


@dataclass(frozen=True)
class Reference:
    """`repository[:tag][@digest]`, the repository with its registry and namespace."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def tagged(self) -> str:
        """`repository:tag`, the key under which a tag's meaning is remembered; empty without a tag."""
        return f"{self.repository}:{self.tag}" if self.tag else ""


def familiar(repository: str) -> str:
    """A full repository name as people write it: `app` for `docker.io/library/app`."""
    prefix = DEFAULT_REGISTRY + "/"
    if not repository.startswith(prefix):
        return repository
    short = repository[len(prefix) :]
    library = DEFAULT_NAMESPACE + "/"
    return short[len(library) :] if short.startswith(library) and short.count("/") == 1 else short


def full(name: str) -> str:
    """A repository name with its registry and namespace."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        registry, path = DEFAULT_REGISTRY, name
    else:
        registry, path = (DEFAULT_REGISTRY if first in HUB_ALIASES else first), rest
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"{DEFAULT_NAMESPACE}/{path}"
    return f"{registry}/{path}"


@lru_cache(maxsize=65536)
def parse(text: str) -> Optional[Reference]:
    """The reference that `text` is; None for Docker's ways to say "no name", and for an image's id."""
    if not text or text.startswith(("<none>", "moby-dangling@", "sha256:")) or _ID.match(text):
        return None
    name, _, digest = text.partition("@")
    tag = ""
    colon = name.rfind(":")
    if colon > name.rfind("/"):
        name, tag = name[:colon], name[colon + 1 :]
    if not name or tag == "<none>":
        return None
    return Reference(full(name), tag or ("" if digest else "latest"), digest)


def digest_of(text: str) -> str:
    """The digest or whole image id in `text`, as `sha256:…`; empty when there is none."""
    last = text.rpartition("@")[2]
    found = _ID.match(last)
    return f"sha256:{found.group(1)}" if found else ""


def short_id(text: str) -> str:
    """The beginning of an image id that `text` may be, as `sha256:…`; empty when it cannot be one."""
    if not _SHORT_ID.match(text):
        return ""
    return text if text.startswith("sha256:") else f"sha256:{text}"
