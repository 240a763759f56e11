"""The sweep: one image at a time, everything read again before each, the store read back after each.

What inspecting an image told is remembered over ticks, for an image never changes under its id; before one is
deleted it is inspected again. Killed at any point it leaves a store and a ledger that the next tick
understands: the ledger says that a sweep is unfinished, and the next tick goes on to the low watermark.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from . import paths, reserve, storage
from .clock import show
from .daemon import Daemon, DaemonError
from .decide import Plan, Ruling
from .host import CLASSIC, Image
from .leases import nameless, tidy
from .logline import quoted
from .pressure import FileSystem, disk_json, measure
from .problem import AgentError, UnreadableError
from .reserve import Reserve
from .scene import Places, Scene, record, see
from .snapshot import INSPECTS

GONE, CONFLICT, BROKEN = 404, 409, 500
NO_SPACE = "no space left on device"
"""How the engine's answer (500) ends when it could not write."""

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What a tick did, and how it ended."""

    at: float
    removed: list[dict[str, Any]] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    """Image id → why it was left alone although it might go."""
    failures: list[str] = field(default_factory=list)
    """Why the unit fails; none of them, and it ends well."""
    notes: list[str] = field(default_factory=list)
    plan: Optional[Plan] = None
    disk: tuple[FileSystem, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when all is well."""
        return 1 if self.failures else 0

    def to_json(self) -> dict[str, Any]:
        """The last decision as `status` shows it."""
        rows: dict[str, int] = {}
        gates: dict[str, Any] = {}
        if self.plan is not None:
            for ruling in self.plan.kept:
                rows[ruling.row] = rows.get(ruling.row, 0) + 1
            gates = self.plan.to_json()["gates"]
        return {
            "at": show(self.at),
            "exit_code": self.exit_code,
            "failures": self.failures,
            "notes": self.notes,
            "gates": gates,
            "removed": self.removed,
            "conflicts": self.conflicts,
            "kept_by_row": dict(sorted(rows.items())),
            "unreadable": list(self.plan.unreadable) if self.plan else [],
            "disk": disk_json(self.disk),
        }


class TookMoreError(AgentError):
    """A deletion took more than was meant. `answers` are the daemon's; None while the image is there."""

    def __init__(self, message: str, answers: Optional[list[Any]]) -> None:
        super().__init__(message)
        self.answers = answers


def tick(places: Places, daemon: Daemon, say: Say) -> Outcome:
    """Look, and sweep where the gates allow it; what went and why is said line by line."""
    outcome = Outcome(time.time())
    with places.only_writer(wait=False) as mine:
        if not mine:
            say("skipped reason=another-process-writes-the-ledger")
            _mind_the_disk(places, daemon, say, outcome)
            return outcome
        _Sweep(places, daemon, say, outcome).run()
        try:
            places.last.write((json.dumps(outcome.to_json(), indent=1) + "\n").encode())
        except OSError as error:
            outcome.failures.append(f"the decision could not be kept for `status`: {error}")
            say(f"failed reason={quoted(outcome.failures[-1])}")
    return outcome


def _mind_the_disk(places: Places, daemon: Daemon, say: Say, outcome: Outcome) -> None:
    """A tick that could not be had is no success while the disk is above the high watermark."""
    scene = see(places, daemon)
    outcome.disk = scene.disk
    if _is_above(scene):
        outcome.failures.append(
            f"{_above(scene)}, and another process writes the ledger: nothing can be done"
        )
        say(f"failed reason={quoted(outcome.failures[-1])}")


class _Sweep:
    def __init__(self, places: Places, daemon: Daemon, say: Say, outcome: Outcome) -> None:
        self.places = places
        self.daemon = daemon
        self.say = say
        self.outcome = outcome
        self.remembered = places.state / paths.INSPECTS_FILE
        self.inspects = _sound(storage.recall(self.remembered))
        self.reserve: Optional[Reserve] = None
        self.held = 0
        """Bytes of the reserve when the disk was measured last."""

    def run(self) -> None:
        before = self.inspects
        going = True
        while going:
            with self.places.leases.alone() as alone:
                going = self._step(alone)
        if self.inspects != before:
            storage.remember(self.remembered, self.inspects)
        self._close()

    def _step(self, alone: bool) -> bool:
        """Look, decide, remove one image; whether there may be another."""
        scene = see(self.places, self.daemon, self.inspects)
        self.inspects = _sound(scene.snapshot.answers.get(INSPECTS))
        if not alone and not scene.around.leases:
            scene.around = replace(scene.around, leases=(nameless(scene.around.now),))
        self._set_aside(scene)
        plan = scene.plan()
        self.outcome.plan, self.outcome.disk = plan, scene.disk
        self.outcome.notes = [*self.outcome.notes, *(n for n in scene.notes if n not in self.outcome.notes)]
        if plan.gates:
            self._end(scene, finished=any(gate.name == "no-pressure" for gate in plan.gates))
            return False
        victims = [ruling for ruling in plan.victims if ruling.image.id not in self.outcome.conflicts]
        if not victims:
            self._end(scene, finished=True)
            return False
        if scene.ledger.sweep_since is None:
            scene.ledger.sweep_since = scene.around.now
        self._save(scene)
        return self._remove(victims[0], scene)

    def _set_aside(self, scene: Scene) -> None:
        """Have a reserve where the engine may need one to delete."""
        self.reserve, self.held = None, 0
        if not scene.disk or scene.host.store != CLASSIC:
            return
        try:
            found = reserve.beside(Path(scene.host.root), self.places.state)
            self.held = found.held
            found.set_aside()
            self.reserve = found
        except OSError as error:
            scene.notes.append(f"no reserve for a disk that is full to the last block: {error}")

    def _remove(self, ruling: Ruling, scene: Scene) -> bool:
        try:
            self.daemon.get(f"/images/{ruling.image.id}/json")
        except DaemonError as error:
            del self.inspects[ruling.image.id]
            return self._spare(ruling.image, f"it cannot be inspected: {error}")
        try:
            answer = remove(self.daemon, ruling.image, self._give_up)
        except TookMoreError as error:
            if error.answers is not None:
                self._tell(ruling, error.answers, scene)
            return self._fail(str(error), scene)
        except DaemonError as error:
            return self._refused(ruling.image, error, scene)
        self._tell(ruling, answer, scene)
        return True

    def _refused(self, image: Image, error: DaemonError, scene: Scene) -> bool:
        """Spare `image`, or end the tick where the next deletion would do no better."""
        if error.status == CONFLICT:
            return self._spare(image, str(error))
        why = f"{image.id} was not removed: {error}"
        if error.status < BROKEN or NO_SPACE in str(error):
            return self._fail(why, scene)
        self.outcome.failures.append(why)
        return self._spare(image, why)

    def _tell(self, ruling: Ruling, answer: list[Any], scene: Scene) -> None:
        """Record what went, and what it freed."""
        try:
            after = measure(scene.host)
        except UnreadableError as error:
            self.outcome.notes.append(str(error))
            after = scene.disk  # the next step looks again, and says so
        freed = sum(new.free - old.free for old, new in zip(scene.disk, after)) + self._held() - self.held
        self.outcome.disk = after
        scene.around = replace(scene.around, disk=after)
        self.outcome.removed.append(
            {
                "id": ruling.image.id,
                "refs": list(ruling.image.refs),
                "class": ruling.kind,
                "reason": ruling.reason,
                "freed_bytes": freed,
                "answer": answer,
            }
        )
        self.say(
            f"deleted image={ruling.image.id} refs={_refs(ruling.image)} class={ruling.kind} freed={freed} "
            f"reason={quoted(ruling.reason)}"
        )

    def _fail(self, why: str, scene: Scene) -> bool:
        """End the tick: this must not happen a second time in it."""
        self.outcome.failures.append(why)
        self._end(scene, finished=False)
        return False

    def _give_up(self) -> bool:
        """Let the reserve go; whether that made room."""
        try:
            given = self.reserve is not None and self.reserve.give_up()
        except OSError as error:
            self.outcome.failures.append(f"the reserve cannot be given up: {error}")
            return False
        if self.reserve and given:
            self.say(f"gave-up reserve={self.reserve.path} reason=the-engine-has-no-room-to-delete")
        return given

    def _held(self) -> int:
        return self.reserve.held if self.reserve else 0

    def _spare(self, image: Image, why: str) -> bool:
        """Leave `image` alone in this tick; the others have their turn."""
        self.outcome.conflicts[image.id] = why
        self.say(f"conflict image={image.id} refs={_refs(image)} reason={quoted(why)}")
        return True

    def _end(self, scene: Scene, *, finished: bool) -> None:
        if finished:
            scene.ledger.sweep_since = None
        if scene.disk:
            since = scene.ledger.above_since or scene.around.now
            scene.ledger.above_since = since if _is_above(scene) else None
        self._save(scene)
        for gate in self.outcome.plan.gates if self.outcome.plan else ():
            self.say(f"closed gate={gate.name} reason={quoted(gate.reason)}")
            if gate.name == "unreadable":
                self.outcome.failures.append(f"nothing can be decided: {gate.reason}")
        if scene.ledger.above_since is not None:
            self.outcome.failures.append(f"{_above(scene)} since {show(scene.ledger.above_since)}")

    def _save(self, scene: Scene) -> None:
        try:
            record(self.places, scene)
        except OSError as error:
            note = f"the ledger could not be written ({error}); the look is repeated by the next tick"
            if note not in self.outcome.failures:
                self.outcome.failures.append(note)

    def _close(self) -> None:
        try:
            tidy(self.places.leases, time.time())
        except (AgentError, OSError) as error:
            self.outcome.failures.append(f"ended leases were not tidied away: {error}")
        for note in self.outcome.notes:
            self.say(f"note text={quoted(note)}")
        for failure in self.outcome.failures:
            self.say(f"failed reason={quoted(failure)}")
        disk = " ".join(f"{system.path}={system.used:.1f}%" for system in self.outcome.disk)
        kept = len(self.outcome.plan.kept) if self.outcome.plan else 0
        self.say(f"ended removed={len(self.outcome.removed)} kept={kept} {disk}".rstrip())


def remove(daemon: Daemon, image: Image, make_room: Callable[[], bool]) -> list[Any]:
    """Delete `image` with all its references, one at a time, without force; returns the daemon's answers.

    One that is refused for want of space is asked for once more if `make_room` made some. The store is read
    back after each, also where the daemon failed: what is gone all the same was removed. Raises `DaemonError`
    (409: it came into use, or has a name that was not judged), and `TookMoreError` when another image, or a
    reference of one, went as well.
    """
    answers: list[Any] = []
    before = _store(daemon)
    while image.id in before:
        unjudged = before[image.id] - set(image.refs)
        if unjudged:
            raise DaemonError(f"it was given another name meanwhile: {', '.join(sorted(unjudged))}", CONFLICT)
        reference = _next(before[image.id], image.id)
        failed = None
        try:
            answers += _delete(daemon, reference, make_room) or []
        except DaemonError as error:
            failed = error if error.status != GONE else None
            if failed and failed.status < BROKEN:
                raise
        after = _store(daemon)
        lost = _lost(image, before, after)
        if lost:
            message = f"deleting {reference} of {image.id} took more than was meant: {'; '.join(lost)}"
            raise TookMoreError(message, None if image.id in after else answers)
        if failed and image.id in after:
            raise failed
        if failed:
            answers.append({"failed": str(failed)})
        if after.get(image.id) == before[image.id]:
            raise DaemonError(f"deleting {reference} changed nothing", CONFLICT)
        before = after
    return answers


def _delete(daemon: Daemon, reference: str, make_room: Callable[[], bool]) -> Any:
    target, query = f"/images/{reference}", {"noprune": 1}
    try:
        return daemon.delete(target, query)
    except DaemonError as error:
        if NO_SPACE not in str(error) or not make_room():
            raise
    return daemon.delete(target, query)


def _next(references: frozenset[str], identity: str) -> str:
    """The reference to delete next: tags, then names with a digest; the id where there is no name.

    A digest that is deleted first would, on the containerd store, take tags with it that nobody named.
    """
    return min(references, key=lambda text: ("@" in text, text)) if references else identity


def _store(daemon: Daemon) -> dict[str, frozenset[str]]:
    """Every image's id and references. Where they cannot be read nothing may go: the error has no status."""
    found: dict[str, frozenset[str]] = {}
    try:
        listed = daemon.get("/images/json", {"all": 1})
    except DaemonError as error:
        raise DaemonError(f"the store cannot be read: {error}") from None
    for raw in listed:
        names = [*(raw.get("RepoTags") or ()), *(raw.get("RepoDigests") or ())]
        real = frozenset(name for name in names if not name.startswith("<none>"))
        found[raw["Id"]] = found.get(raw["Id"], frozenset()) | real
    return found


def _lost(image: Image, before: dict[str, frozenset[str]], after: dict[str, frozenset[str]]) -> list[str]:
    """Other images, and references of other images, that are no more.

    A name that stands on another image now was moved meanwhile, as by a build, and is not lost. On the
    containerd store `repository@digest` goes with the last tag of its repository that moves, and an image
    that is left without a name may not be listed any more.
    """
    present = {name for names in after.values() for name in names}
    lost = []
    for identity, names in before.items():
        if identity == image.id:
            continue
        missing = names - after.get(identity, frozenset())
        left = {name.rpartition(":")[0] for name in missing & present}
        gone = {name for name in missing - present if name.partition("@")[0] not in left}
        if identity not in after and (gone or not names):
            lost.append(f"image {identity} ({', '.join(sorted(names)) or 'no name'})")
        else:
            lost.extend(f"{name} of image {identity}" for name in sorted(gone))
    return lost


def _sound(inspects: Any) -> dict[str, Any]:
    """Of inspect answers those that make sense, and of them what `host` reads."""
    return {
        identity: {"RootFS": answer["RootFS"], "Parent": answer.get("Parent")}
        for identity, answer in (inspects or {}).items()
        if isinstance(answer, dict) and isinstance(answer.get("RootFS"), dict)
    }


def _is_above(scene: Scene) -> bool:
    return any(system.used >= scene.policy.high_watermark for system in scene.disk)


def _above(scene: Scene) -> str:
    return f"{', '.join(map(str, scene.disk))}: above the high watermark of {scene.policy.high_watermark:g} %"


def _refs(image: Image) -> str:
    return ",".join(image.refs) or "-"
