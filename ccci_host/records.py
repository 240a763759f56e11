"""What a history holds: frozen records, each a line of JSON.

A record says what was done or seen, never what it means; `checks/` decide that. Times are UTC,
ISO 8601. Sizes are bytes. Digests are whole (`sha256:` and 64 hex digits).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value that survives JSON unchanged."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RanTask(Record):
    """One swarm task of a deployed service."""

    id: str
    state: str
    image: str
    """The image of its container as the daemon names it; empty when it never got one."""
    image_id: str
    node: str
    error: str = ""


class DeployedService(Record):
    """A service of a deployed stack, as the swarm holds it."""

    name: str
    id: str
    image: str
    """`repo:tag@sha256:…` of its spec; without a digest when resolution failed."""
    mode: str
    replicas: int
    tasks: tuple[RanTask, ...] = ()

    @property
    def digest(self) -> str | None:
        """The digest that its spec carries, or None."""
        _, at, digest = self.image.partition("@")
        return digest if at else None


class Deployment(Record):
    """A stack that was deployed and converged."""

    recipe: str
    recipe_version: str
    deployer: str
    stack: str
    domain: str
    services: tuple[DeployedService, ...]
    seconds_to_deploy: float
    seconds_to_converge: float


class Removal(Record):
    """What a teardown removed and what it could not, by kind (`service`, `volume`, `secret`, …) and name."""

    stack: str
    removed: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str, str], ...] = ()
    """Kind, name and reason."""
    seconds: float


StoreKind = Literal["classic", "containerd"]
