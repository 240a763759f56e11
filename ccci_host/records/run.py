"""The run itself: what was asked for, of which host, and how each phase went."""

from typing import Literal

from ccci_host.records.base import Leftover, Moment, Name, Phase, Record, StoreKind
from ccci_host.records.network import DaemonEvent

Option = str | int | float | bool | None


class Started(Record):
    """The first record of a history: what was asked, by which code. Known before the host is reached."""

    kind: Literal["started"] = "started"
    format: int = 1
    task: str
    argv: tuple[str, ...]
    options: dict[str, Option]
    suite: str
    """Version of ccci-host."""
    python: str
    commit: str | None
    dirty: bool | None
    tree: str | None
    """SHA-256 over the checkout's tracked files without `machine-docs/`; None where there is no checkout."""
    host: str
    """Its name in `ccci.toml`."""
    instance: str
    project: str
    door: Literal["unix", "https"]
    commands: Literal["incus", "ssh"]
    label: str | None = None
    """What the configuration calls the host in words, such as that it is a lab's."""
    disposable: bool
    allow_reboot: bool
    registry_log: bool
    """Whether the configuration names a registry log, so that its absence from the history is a loss."""
    registry_push: bool = False
    """Whether images can be published at the registry, so that a control may move a tag there."""


class HostSeen(Record):
    """The host under test: as it was found, and again after each redeploy and at the end."""

    kind: Literal["host"] = "host"
    moment: Moment = "start"
    cycle: int = 0
    daemon: str = ""
    """What dockerd calls itself as long as its data lasts; empty in histories of before it was asked."""
    store: StoreKind | None = None
    store_driver: str = ""
    engine: str = ""
    api: str = ""
    incus: str = ""
    instance_kind: str = ""
    """`container` or `virtual-machine`."""
    kernel: str = ""
    system: str = ""
    architecture: str = ""
    swarm_nodes: int | None = None
    swarm_manager: bool | None = None
    data_root: str = ""
    disk_used_percent: float | None = None
    """Of the fullest file system that holds the store."""
    policy_sha256: str | None = None
    """Of the policy file on the host; None when there is none."""
    agent_sha256: str | None = None
    pull_overrides: tuple[str, ...] = ()
    """Settings of dockerd that skip or redirect pulls (prefer-offline, mirrors), each as it was found."""
    pull_overrides_problem: str | None = None
    problem: str | None = None


class PhaseBegan(Record):
    """A phase began."""

    kind: Literal["phase-began"] = "phase-began"
    phase: Phase
    cycle: int = 1


PhaseOutcome = Literal["done", "failed", "interrupted"]
"""`failed`: by an error of ours, which says why; `interrupted`: by anything else."""


class PhaseEnded(Record):
    """A phase ended, one way or another."""

    kind: Literal["phase-ended"] = "phase-ended"
    phase: Phase
    cycle: int = 1
    outcome: PhaseOutcome
    seconds: float
    problem: str | None = None


class Interrupted(Record):
    """The run was told to stop: Ctrl-C, or a signal."""

    kind: Literal["interrupted"] = "interrupted"
    how: str
    phase: Phase | None = None


class Leftovers(Record):
    """What an earlier, killed run of ours had left here, found and removed before this one began."""

    kind: Literal["leftovers"] = "leftovers"
    removed: tuple[Name, ...]
    left: tuple[Leftover, ...] = ()


class Cleanup(Record):
    """What this run removed at its end, and what it could not."""

    kind: Literal["cleanup"] = "cleanup"
    removed: tuple[Name, ...]
    left: tuple[Leftover, ...] = ()
    problem: str | None = None


class StrangeContainer(Record):
    """A container that is not the experiment's."""

    id: str
    name: str
    image: str
    """The id of its image."""
    state: str
    """`running`, `exited`, `paused`, …"""
    started_at: str
    finished_at: str = ""
    """When it ended last; meaningless while it never has."""
    exit_code: int | None = None
    """Of that end; 0 while it never has ended."""
    restarts: int
    restart_policy: str | None = None
    """`no`, `on-failure`, `unless-stopped` or `always`; None in histories that were written without it."""
    auto_remove: bool = False
    """Whether the daemon removes it when it ends (`--rm`)."""
    service: str = ""


class StrangeService(Record):
    """A service that is not the experiment's."""

    name: str
    image: str
    """As its spec has it."""
    running: int
    """Tasks that run."""
    desired: int
    """Tasks that are to."""
    spec: str = ""
    """SHA-256 of its spec, without `ForceUpdate`; empty in histories that were written without it."""
    forced: int = 0
    """`ForceUpdate` of its spec: who raises it has the tasks started anew, and may change nothing else."""
    fired: str = ""
    """What `spec` will be after swarm-cronjob's next start; empty for a service that it does not start."""


class StrangersSeen(Record):
    """What lives on the host besides the experiment: it must be the same before and after."""

    kind: Literal["strangers"] = "strangers"
    moment: Moment
    cycle: int = 1
    services: tuple[tuple[str, int], ...] = ()
    """Name, and the index of its version, which also rises by what swarm itself notes on it."""
    states: tuple[StrangeService, ...] = ()
    """The same services, and how each of them does."""
    containers: tuple[StrangeContainer, ...] = ()
    volumes: tuple[str, ...] = ()
    host_clock: float = 0.0
    """The host's own time of the look, in epoch seconds."""
    ends: tuple[DaemonEvent, ...] = ()
    """What the daemon remembers of how containers ended: `kill`, `die`, `stop`."""
    ends_since: float | None = None
    """Its oldest event of any kind, in epoch seconds: it knows of nothing before. None: it said nothing."""
    problem: str | None = None


class Note(Record):
    """Something that a reader should know and no check decides by."""

    kind: Literal["note"] = "note"
    text: str


class Finished(Record):
    """The last record of a history. Without it the run was cut off."""

    kind: Literal["finished"] = "finished"
    outcome: PhaseOutcome
    problem: str | None = None
