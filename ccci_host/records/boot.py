"""Evidence of a boot, from outside and inside."""

from typing import Literal

from ccci_host.records.base import Moment, Record


class BootSeen(Record):
    """Which boot the machine is in."""

    kind: Literal["boot"] = "boot"
    moment: Moment
    cycle: int = 1
    started_at: str | None = None
    """Outside: when Incus last started the instance."""
    init_pid: int | None = None
    """Outside: the process that is the machine, on the Incus host."""
    outside_problem: str | None = None
    init_started: float | None = None
    """Inside: start of PID 1 in epoch seconds, from the kernel's tables."""
    systemd_started: str | None = None
    """Inside: systemd's `UserspaceTimestamp`, as it prints it."""
    boot_id: str | None = None
    """Inside. Told, and no proof in a container, which shares the kernel of its Incus host (fact 19)."""
    token: str | None = None
    """Inside: content of the experiment's token in tmpfs; None when there is none."""
    inside_problem: str | None = None


class RebootDone(Record):
    """A restart that was asked for, and what was seen of it."""

    kind: Literal["reboot"] = "reboot"
    cycle: int = 1
    forced: bool
    token: str
    """The token put into tmpfs before: it must be gone after."""
    seen_down: bool
    """Whether the machine was seen not running, or its first process gone, between the two boots."""
    seen_down_how: str = ""
    seconds_to_down: float | None = None
    seconds_to_ready: float | None = None
    """From the restart's request until systemd, dockerd and the swarm manager answered."""
    problem: str | None = None


class BackSeen(Record):
    """What came back after the boot without help."""

    kind: Literal["back"] = "back"
    cycle: int = 1
    system: str = ""
    """What `systemctl is-system-running` says."""
    daemon: bool | None = None
    swarm_manager: bool | None = None
    problem: str | None = None
