"""What a deployer did: a stack that converged, a stack that was taken away."""

from typing import Literal

from ccci_host.records.base import Leftover, Name, Phase, Record, digest_of


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
        return digest_of(self.image)


class RanCommand(Record):
    """A command of a harness that is not ours, with the end of what it said, secrets masked."""

    argv: tuple[str, ...]
    """As configured, with the names of recipe, domain and stack; folders keep their braces."""
    where: Literal["host", "controller"]
    exit_code: int
    stdout: str
    stderr: str
    seconds: float


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
    commands: tuple[RanCommand, ...] = ()
    """What a harness ran for it."""


class Removal(Record):
    """What a teardown removed and what it could not."""

    stack: str
    removed: tuple[Name, ...]
    left: tuple[Leftover, ...] = ()
    seconds: float
    commands: tuple[RanCommand, ...] = ()
    """What a harness ran for it."""


class RecipeChosen(Record):
    """Which recipe the experiment deploys, and under which names of its own."""

    kind: Literal["recipe"] = "recipe"
    recipe: str
    version: str
    deployer: str
    stack: str
    domain: str
    images: tuple[str, ...]
    """References as the recipe renders them; its own, not what they resolve to."""
    problem: str | None = None


class Deployed(Record):
    """The phase's deploy converged."""

    kind: Literal["deployed"] = "deployed"
    phase: Phase
    cycle: int = 1
    deployment: Deployment


class TornDown(Record):
    """The phase's teardown is over."""

    kind: Literal["torn-down"] = "torn-down"
    phase: Phase
    cycle: int = 1
    removal: Removal
