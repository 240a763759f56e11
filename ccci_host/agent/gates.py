"""The gates: any of these closed, and nothing is deleted in this tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from .clock import HOUR, show
from .host import ENDED, ENDS_WELL, Host, Service, Task
from .ledger import Ledger
from .policy import Policy
from .pressure import FileSystem

CONVERGING = 6 * HOUR
"""Seconds after its last update for which a service that has not converged closes the gate."""

PRESSED = 6 * HOUR
"""Seconds above the high watermark after which pulls in flight close it no more."""


@dataclass(frozen=True)
class Lease:
    """A run lease that is held. Moments are epoch seconds."""

    id: str
    owner: str
    since: float
    until: Optional[float] = None
    """The deadline of a timed lease; None for one that ends with its process."""


@dataclass(frozen=True)
class Download:
    """A download that was seen under way, in words, and until when it counts as that. Epoch seconds."""

    words: str
    until: float


@dataclass(frozen=True)
class Circumstances:
    """What a decision needs besides the host, the ledger and the policy."""

    now: float
    """Epoch seconds."""
    disk: tuple[FileSystem, ...] = ()
    leases: tuple[Lease, ...] = ()
    downloads: tuple[Download, ...] = ()
    unreadable: tuple[str, ...] = ()
    """What could not be read besides listings: the policy, the disk, the leases, the downloads."""
    trusted: bool = False
    """Whether `now` is taken as it is, without the cap of a day since the last look."""


@dataclass(frozen=True)
class Gate:
    """A closed gate: why, and until when where that is known."""

    name: str
    reason: str
    until: Optional[float] = None


@dataclass(frozen=True)
class _Seen:
    host: Host
    ledger: Ledger
    policy: Policy
    around: Circumstances
    tasks: dict[str, list[Task]]


def closed(host: Host, ledger: Ledger, policy: Policy, around: Circumstances) -> tuple[Gate, ...]:
    """The gates that are closed, in the page's order."""
    tasks: dict[str, list[Task]] = {}
    for task in host.tasks:
        tasks.setdefault(task.service, []).append(task)
    seen = _Seen(host, ledger, policy, around, tasks)
    found = (gate(seen) for gate in GATES.values())
    return tuple(gate for gate in found if gate is not None)


def unreadable(seen: _Seen) -> Optional[Gate]:
    """A listing or the policy fails."""
    problems = [*seen.around.unreadable, *seen.host.unreadable]
    return Gate("unreadable", "; ".join(problems)) if problems else None


def no_pressure(seen: _Seen) -> Optional[Gate]:
    """Every file system that holds the store is below its watermark."""
    unfinished = seen.ledger.sweep_since is not None
    watermark = seen.policy.low_watermark if unfinished else seen.policy.high_watermark
    if not seen.around.disk or any(system.used >= watermark for system in seen.around.disk):
        return None
    which = "the low watermark, where the unfinished sweep ends" if unfinished else "the high watermark"
    return Gate("no-pressure", f"{', '.join(map(str, seen.around.disk))}: below {watermark:g} %, {which}")


def lease(seen: _Seen) -> Optional[Gate]:
    """A run lease is held."""
    if not seen.around.leases:
        return None
    holders = ", ".join(
        f"{held.owner} since {show(held.since)}" + (f" until {show(held.until)}" if held.until else "")
        for held in seen.around.leases
    )
    untils = [held.until for held in seen.around.leases]
    known = [until for until in untils if until is not None]
    return Gate("lease", f"held by {holders}", max(known) if len(known) == len(untils) else None)


def deploying(seen: _Seen) -> Optional[Gate]:
    """A service has not converged, or a pull is in flight that the disk can wait for."""
    now, reasons, untils = seen.around.now, [], []
    for service in seen.host.services:
        lacking = under_way(service, seen.tasks.get(service.id, []), now)
        if lacking:
            reasons.append(f"{service.name}: {lacking}")
            untils.append((service.updated or now) + CONVERGING)
    pulls = not _pressed_for_long(seen)
    for task in seen.host.tasks if pulls else ():
        if task.state == "preparing" and task.desired not in ENDED and _recent(task.since, now):
            reasons.append(f"task {task.id} is preparing {task.image}")
            untils.append((task.since or now) + CONVERGING)
    for download in seen.around.downloads if pulls else ():
        reasons.append(download.words)
        untils.append(download.until)
    return Gate("deploying", "; ".join(reasons), max(untils)) if reasons else None


GATES: dict[str, Callable[[_Seen], Optional[Gate]]] = {
    "unreadable": unreadable,
    "no-pressure": no_pressure,
    "lease": lease,
    "deploying": deploying,
}


def under_way(service: Service, tasks: list[Task], now: float) -> str:
    """What a deploy of `service` still lacks at `now`; empty when it has converged, or has not for hours."""
    return not_converged(service, tasks) if _recent(service.updated, now) else ""


def not_converged(service: Service, tasks: list[Task]) -> str:
    """What `service` still lacks, in words; empty when it has converged.

    In each slot the newest task that is to run counts, else the newest: it runs the image of the spec, or has
    ended where the restart condition lets it. A rollback that is overtaken leaves a newer one shut down.
    """
    newest: dict[str, Task] = {}
    for task in sorted(tasks, key=lambda task: (task.desired not in ENDED, task.created, task.id)):
        newest[task.slot] = task
    current = [task for task in newest.values() if not _retired(task)]
    if service.update_state and not _updated(service, current):
        return f"its update is {service.update_state}"
    settled = [task for task in current if _settled(task, service)]
    waiting = sorted(f"{task.state}" for task in current if task not in settled)
    if waiting:
        return f"{len(settled)} of {len(current)} tasks as its spec says, others {', '.join(waiting)}"
    if service.replicas is not None and len(settled) < service.replicas:
        return f"{len(settled)} of {service.replicas} tasks"
    return ""


def _pressed_for_long(seen: _Seen) -> bool:
    """Whether no pull is waited for any more: a full disk fails it, and swarm tries it again without end."""
    since = seen.ledger.above_since
    return since is not None and seen.around.now - since > PRESSED


def _retired(task: Task) -> bool:
    """Whether swarm has asked for its end and it has ended, other than by itself."""
    return task.desired in ENDED and task.state in ENDED and task.state != "complete"


def _updated(service: Service, current: list[Task]) -> bool:
    """Whether its update is over, as is a paused one whose tasks have all ended in good order.

    Swarm pauses an update when a task of it ends within seconds, however (swarmkit's `updater.go`), and so
    after each start of what has little to do.
    """
    if service.update_state.endswith("paused"):
        return bool(current) and all(task.state == "complete" and _settled(task, service) for task in current)
    return service.update_state.endswith("completed")


def _settled(task: Task, service: Service) -> bool:
    if task.state == "complete":
        return service.job or service.restart in ENDS_WELL
    if task.state in ENDED:
        return service.restart == "none"
    return task.state == "running" and (not task.image or task.image == service.image)


def _recent(moment: Optional[float], now: float) -> bool:
    """Whether a moment is within the hours that keep the gate closed; one that is not known is."""
    return moment is None or abs(now - moment) <= CONVERGING
