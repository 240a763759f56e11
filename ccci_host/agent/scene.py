"""Everything that a decision on the live host needs, read together."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from . import downloads, ledger, paths, pins, policy, pressure, sightings, snapshot
from .daemon import Daemon
from .decide import Plan, decide
from .gates import Circumstances, Download
from .host import Host, read
from .journal import GAP, Journal, tail_of, word
from .leases import Leases
from .ledger import Ledger
from .look import look, uses
from .policy import Policy
from .pressure import FileSystem
from .problem import AgentError, UnreadableError
from .storage import Reserved


@dataclass(frozen=True)
class Places:
    """Where the agent finds the daemon, its policy, its state."""

    socket: str = paths.SOCKET
    policy: str = paths.POLICY
    state: Path = Path(paths.STATE)
    run: Path = Path(paths.RUN)

    @property
    def ledger(self) -> Reserved:
        """The ledger's file."""
        return Reserved(self.state / paths.LEDGER_FILE)

    @property
    def last(self) -> Reserved:
        """The last decision's file."""
        return Reserved(self.state / paths.LAST_FILE)

    @property
    def leases(self) -> Leases:
        """The leases."""
        return Leases(self.state, self.run)

    @contextmanager
    def only_writer(self, *, wait: bool) -> Iterator[bool]:
        """Be the one process that writes the ledger; without `wait`, yields False when another is."""
        self.run.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.run / "ledger.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)


@dataclass
class Scene:
    """What was seen, and what follows from it."""

    host: Host
    ledger: Ledger
    policy: Policy
    around: Circumstances
    snapshot: snapshot.Snapshot
    looked: bool = False
    """Whether all could be read, so that the ledger holds this look."""
    notes: list[str] = field(default_factory=list)
    """What a person should know about how the host was watched and read."""

    @property
    def disk(self) -> tuple[FileSystem, ...]:
        """The file systems that hold the store."""
        return self.around.disk

    def plan(self) -> Plan:
        """The decision."""
        return decide(self.host, self.ledger, self.policy, self.around)


def _events(places: Places, daemon: Daemon, now: float) -> tuple[list[Any], list[str]]:
    """What happened since the last look, and what is to be said of how it was watched."""
    journal = Journal(places.state)
    events, damage = journal.read()
    if damage:
        unseen = word(GAP, now, "", reason=damage)
        return [*events, unseen], [f"{journal.path}: {damage}: every image counts as used now"]
    if sightings.somebody_watches(places.run):
        return events, []
    try:
        buffer = sightings.buffered(daemon, now)
        tail = tail_of(events, complete=journal.complete)
        caught = sightings.catch_up(tail, buffer, daemon, now, sightings.this_boot(places.run))
    except AgentError as error:
        reason = f"nobody watches the daemon's events, and they cannot be read: {error}"
        return [*events, word(GAP, now, "", reason=reason)], [f"{reason}: every image counts as used now"]
    gaps = [f"{line['reason']}: every image counts as used now" for line in caught if line["Action"] == GAP]
    return [*events, *caught], [f"nobody watches the daemon's events; does {paths.WATCH} run?", *gaps]


def record(places: Places, scene: Scene) -> None:
    """Write the ledger of a scene, then drop from the journal of events what it holds. Raises `OSError`."""
    places.ledger.write(ledger.dump(scene.ledger))
    if not scene.looked:
        return
    try:
        Journal(places.state).settle(scene.snapshot.events)
    except OSError as error:  # a full disk: events that are folded twice do no harm
        scene.notes.append(f"the journal of events could not be shortened: {error}")


def see(places: Places, daemon: Daemon, known: Optional[dict[str, Any]] = None) -> Scene:
    """Look at the host. What cannot be read closes a gate; nothing is raised or written."""
    now = time.time()
    problems: list[str] = []
    remembered = ledger.load(places.ledger.read)
    notes = [f"{remembered.fresh}: everything counts as used now"] if remembered.fresh else []
    events, gaps = _events(places, daemon, now)
    notes += gaps
    rules = Policy()
    recipes: Optional[dict[str, Any]] = None
    try:
        rules = policy.load(places.policy)
        recipes = pins.collect(rules.recipe_roots, places.state / pins.CACHE_FILE)
    except UnreadableError as error:
        problems.append(str(error))
    answers = snapshot.take(daemon, known)
    answers.events = events
    if recipes is not None:
        answers.answers[snapshot.PINS] = recipes
    host = read(answers)
    disk: tuple[FileSystem, ...] = ()
    growing: tuple[Download, ...] = ()
    leases: Any = ()
    if "info" in answers.answers:
        try:
            disk = pressure.measure(host)
            growing = downloads.under_way(host)  # as of this moment: recipes may have taken a minute
        except UnreadableError as error:
            problems.append(str(error))
    try:
        leases = places.leases.held(now)
    except AgentError as error:
        problems.append(str(error))
    looked = recipes is not None and not host.unreadable
    if looked:
        remembered = look(remembered, host, now)
        host.events = tuple(Journal(places.state).read()[0])
        remembered = uses(remembered, host, now)  # what happened during this look is learnt by the next
    around = Circumstances(now, disk, leases, growing, tuple(problems))
    return Scene(host, remembered, rules, around, answers, looked, notes)
