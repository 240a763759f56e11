"""The retention agent, its lease, what else prunes, and the credential."""

from typing import Any, Literal

from pydantic import Field, model_validator

from ccci_host.records.base import Moment, Record


class FileSeen(Record):
    """A file that provisioning installs, compared with what this checkout would install."""

    path: str
    state: Literal["as-built", "altered", "absent", "unreadable"]
    detail: str = ""


class UnitSeen(Record):
    """A systemd unit of the agent."""

    name: str
    load: str
    """`loaded`, `not-found`, `masked`, …"""
    active: str
    enabled: str
    """`enabled`, `disabled`, `static`, `masked`, …"""
    drop_ins: tuple[str, ...] = ()
    """Files that alter this unit alone; we install none."""
    needs_reload: bool = False
    """Whether its files changed since systemd read them."""
    result: str = ""
    """Of its last run: `success`, `exit-code`, …"""

    @model_validator(mode="before")
    @classmethod
    def _without_exit_code(cls, told: Any) -> Any:
        """Older histories carry systemd's `ExecMainStatus` by that name, which no check ever read."""
        if isinstance(told, dict):
            return {name: value for name, value in told.items() if name != "exit_code"}
        return told


class AgentSeen(Record):
    """The agent's files and units on the host."""

    kind: Literal["agent"] = "agent"
    moment: Moment
    cycle: int = 1
    files: tuple[FileSeen, ...] = ()
    units: tuple[UnitSeen, ...] = ()
    last_run: dict[str, Any] | None = None
    """The agent's own note of its last tick; None when it has none."""
    next_tick: str | None = None
    problem: str | None = None


class Pruner(Record):
    """Something on the host that prunes and is not the agent."""

    name: str
    where: str
    """The unit, cron file or container that it is."""
    command: str
    active: bool
    remedy: str = ""


class PrunersSeen(Record):
    """Every competing pruner that the audit found."""

    kind: Literal["pruners"] = "pruners"
    moment: Moment
    cycle: int = 1
    pruners: tuple[Pruner, ...] = ()
    problem: str | None = None


class LeaseSeen(Record):
    """A step in the life of the experiment's timed lease."""

    kind: Literal["lease"] = "lease"
    step: Literal["taken", "renewed", "released", "refused", "lost"]
    id: str | None = None
    owner: str = ""
    until: str | None = None
    problem: str | None = None


class PlanSeen(Record):
    """What the agent would do, asked for real or under a pressure that was only pretended."""

    kind: Literal["plan"] = "plan"
    moment: Moment
    cycle: int = 1
    simulated_percent: float | None = None
    """Pretended disk use; None for the real one."""
    victims: tuple[dict[str, Any], ...] = ()
    kept: tuple[dict[str, Any], ...] = ()
    gates: dict[str, Any] = Field(default_factory=dict)
    unreadable: tuple[Any, ...] = ()
    problem: str | None = None


class SweepSeen(Record):
    """A sweep that the experiment started, to see what the agent does."""

    kind: Literal["sweep"] = "sweep"
    moment: Moment
    cycle: int = 1
    under: Literal["lease", "nothing"]
    """What should have held it back."""
    exit_code: int | None = None
    gates: dict[str, Any] = Field(default_factory=dict)
    removed: tuple[str, ...] = ()
    """What the agent says that it removed: by its first reference, else by its id."""
    image_ids: tuple[str, ...] = ()
    """Ids of these images."""
    output: str = ""
    """The end of what it printed: of an answer why it failed, a line each."""
    problem: str | None = None


class Tick(Record):
    """A tick of the agent's unit, as the journal of the host has it."""

    at: float
    """When it ended, in epoch seconds of the host."""
    done: bool
    """Whether systemd says that it ended well."""
    percent: float | None = None
    """How full it left the fullest file system of the store, by the agent's own line; None without one."""


class TicksSeen(Record):
    """What the agent's ticks of the last day came to, and how full the store's disk is."""

    kind: Literal["ticks"] = "ticks"
    moment: Moment
    cycle: int = 1
    host_clock: float = 0.0
    """The host's own time of the look, in epoch seconds."""
    ticks: tuple[Tick, ...] = ()
    high_percent: float | None = None
    """The high watermark of the policy on the host."""
    low_percent: float | None = None
    folder: str = ""
    """Where the layers lie."""
    used: int = 0
    """Bytes in use on its file system, whoever uses them."""
    available: int = 0
    """Bytes that may still be written there."""
    problem: str | None = None


class CredentialSeen(Record):
    """Docker Hub's entry in the deploying user's configuration, and whether Docker Hub takes it.

    Never the credential itself.
    """

    kind: Literal["credential"] = "credential"
    moment: Moment
    cycle: int = 1
    path: str = ""
    state: Literal["present", "absent", "unreadable"] | None = None
    mode: str = ""
    """Octal, like `0600`."""
    owner: str = ""
    expected_owner: str = ""
    """Whom the folder belongs to: the user that deploys. Empty in histories that were written without it."""
    account: str = ""
    """The account that the entry names."""
    expected_account: str = ""
    """The account that `ccci.toml` names."""
    accepted: bool | None = None
    """Whether a token was given for it; None when nobody could be asked."""
    answer: str = ""
    """What the token service said when it refused."""
    can_push: bool | None = None
    problem: str | None = None
