"""The registries that the stand-in answers as: Docker Hub, and others without account or budget."""

from collections.abc import Sequence
from dataclasses import dataclass

PUBLIC_REGISTRIES = (
    "ghcr.io",
    "quay.io",
    "lscr.io",
    "gcr.io",
    "codeberg.org",
    "registry.gitlab.com",
    "git.coopcloud.tech",
)
"""Answered besides Docker Hub unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Registry:
    """One registry as its clients know it."""

    name: str
    """As references name it: `docker.io`, `ghcr.io`."""
    hosts: tuple[str, ...]
    """Host names that answer the registry API."""
    auth_host: str
    """Host name that answers `/token`."""
    service: str
    """What its tokens are for; Docker Hub's is `registry.docker.io`."""
    metered: bool
    """Whether it has accounts, private repositories and rate-limit buckets."""

    @property
    def realm(self) -> str:
        """The address of its token service, as a challenge names it."""
        return f"https://{self.auth_host}/token"


DOCKER_HUB = Registry(
    name="docker.io",
    hosts=("registry-1.docker.io", "index.docker.io"),
    auth_host="auth.docker.io",
    service="registry.docker.io",
    metered=True,
)


def public_registry(name: str) -> Registry:
    """A registry that hands every anonymous client a token, as ghcr.io does for public images."""
    return Registry(name=name, hosts=(name,), auth_host=name, service=name, metered=False)


class Directory:
    """Finds the registry that a host name belongs to."""

    def __init__(self, public: Sequence[str] = PUBLIC_REGISTRIES) -> None:
        self.registries = (DOCKER_HUB, *map(public_registry, public))
        self._by_host = {
            host: registry for registry in self.registries for host in (*registry.hosts, registry.auth_host)
        }

    @property
    def host_names(self) -> tuple[str, ...]:
        """Every name that DNS has to point here and that the certificate has to carry."""
        return tuple(self._by_host)

    def of_host(self, host: str) -> Registry | None:
        """The registry that answers under `host` (a port is ignored), or None."""
        return self._by_host.get(host.partition(":")[0].lower())
