"""Image references as people write them, and the repository that holds them behind the stand-in."""

from dataclasses import dataclass

from ccci_host.errors import UsageError

DOCKER_HUB_NAME = "docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """`registry/repository:tag`, every part spelt out."""

    registry: str
    repository: str
    tag: str

    @property
    def backend_repository(self) -> str:
        """Its repository in the one `docker-registry` behind all names: the registry's name comes first."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"


def parse_reference(text: str) -> Reference:
    """`text` with Docker's defaults filled in: `docker.io`, `library/`, `latest`.

    Raises `UsageError` for a digest, which cannot be published under, and for an empty part.
    """
    if "@" in text:
        raise UsageError(f"`{text}` names a digest; a stand-in is published under a tag.")
    first, slash, rest = text.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if is_host else (DOCKER_HUB_NAME, text)
    repository, _, tag = path.partition(":")
    if registry in {"index.docker.io", "registry-1.docker.io"}:
        registry = DOCKER_HUB_NAME
    if registry == DOCKER_HUB_NAME and "/" not in repository:
        repository = f"library/{repository}" if repository else ""
    if not repository or not registry:
        raise UsageError(f"`{text}` is no image reference.")
    return Reference(registry, repository, tag or "latest")
