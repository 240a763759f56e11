"""Which image may go: docs/retention.md, row by row.

`decide()` is a pure function of a host, the ledger, the policy and the circumstances. From the top, the first
row that fits is the image's fate. An image is judged whole, with all its references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Optional

from . import roots
from .clock import show, span
from .gates import Circumstances, Gate, closed
from .host import Host, Image
from .ledger import Entry, Ledger
from .look import known_origin
from .policy import Policy

HELD, ORPHANED, SUPERSEDED, IDLE = "held", "orphaned", "superseded", "idle"
ORDER = (ORPHANED, SUPERSEDED, IDLE)
"""Victims by class; within one by last use."""


@dataclass(frozen=True)
class Ruling:
    """An image's fate: its row, and why. `until` is when it may go, where that is known; epoch seconds."""

    image: Image
    row: str
    kind: str
    """Its class."""
    goes: bool
    reason: str
    until: Optional[float] = None


@dataclass(frozen=True)
class Plan:
    """What would be deleted, in order, and what stays, and why."""

    victims: tuple[Ruling, ...]
    kept: tuple[Ruling, ...]
    gates: tuple[Gate, ...]
    unreadable: tuple[str, ...]
    candidates: int = 0
    """Images that their rows would let go, gates apart."""

    def to_json(self) -> dict[str, Any]:
        """The plan as docs/retention.md gives it: whole ids, `until` in epoch seconds or null."""
        return {
            "victims": [_shown(ruling) for ruling in self.victims],
            "kept": [{**_shown(ruling), "until": ruling.until} for ruling in self.kept],
            "gates": {gate.name: {"reason": gate.reason, "until": gate.until} for gate in self.gates},
            "unreadable": list(self.unreadable),
        }


def decide(host: Host, ledger: Ledger, policy: Policy, around: Circumstances) -> Plan:
    """The fate of every image of `host`."""
    facts = _Facts(host, ledger, policy, around)
    shut = closed(host, ledger, policy, around)
    rulings = [facts.rule(image) for image in host.images]
    going = sorted((ruling for ruling in rulings if ruling.goes), key=facts.rank)
    staying = [ruling for ruling in rulings if not ruling.goes]
    victims: list[Ruling] = [] if shut else going
    if shut:
        staying += [_behind(ruling, shut) for ruling in going]
    return Plan(
        tuple(victims),
        tuple(sorted(staying, key=lambda ruling: ruling.image.id)),
        shut,
        (*around.unreadable, *host.unreadable, *host.reported),
        len(going),
    )


def _behind(ruling: Ruling, shut: tuple[Gate, ...]) -> Ruling:
    """A candidate that stays because a gate is closed."""
    untils = [gate.until for gate in shut]
    known = [until for until in untils if until is not None]
    return Ruling(
        ruling.image,
        ruling.row,
        ruling.kind,
        False,
        f"{ruling.reason}; may go, but for the gate {', '.join(gate.name for gate in shut)}",
        max(known) if len(known) == len(untils) else None,
    )


def _shown(ruling: Ruling) -> dict[str, Any]:
    return {
        "id": ruling.image.id,
        "refs": list(ruling.image.refs),
        "class": ruling.kind,
        "reason": ruling.reason,
    }


class _Facts:
    """What the rows ask of a host, worked out once."""

    def __init__(self, host: Host, ledger: Ledger, policy: Policy, around: Circumstances) -> None:
        self.host = host
        self.ledger = ledger
        self.policy = policy
        self.now = around.now
        self.clock = ledger.clock_at(around.now, trusted=around.trusted)
        self.index = roots.Index(host, ledger)
        self.holds = roots.holds(host, self.index)
        self.keep = roots.Keep(policy.keep, self.index, ledger)
        self.parents = {image.parent for image in host.images if image.parent}
        self.tags: dict[str, list[str]] = {}
        for tag, marks in ledger.tags.items():
            for digest in marks:
                self.tags.setdefault(digest, []).append(tag)
        self.bases: dict[str, str] = {}
        self.bases = self._find_bases()

    def entry(self, image: Image) -> Entry:
        """What is remembered of `image`; one that was never seen counts as seen and used now."""
        return self.ledger.images.get(image.id) or Entry(self.clock, self.clock, self.clock)

    def held(self, image: Image, row: str) -> Optional[str]:
        return self.holds.get(image.id, {}).get(row)

    def wall(self, clock: float) -> float:
        """The moment at which the agent's clock showed `clock`, if all time since was seen to pass."""
        return self.now - (self.clock - clock)

    def young_until(self, image: Image) -> Optional[float]:
        """When `image` is young no more; None when it is not young."""
        entry = self.entry(image)
        left = self.policy.young - (self.clock - max(entry.first, entry.used))
        return self.now + left if left > 0 else None

    def used(self, image: Image) -> str:
        entry = self.entry(image)
        return f"last used {show(self.wall(entry.used))}, {span(self.clock - entry.used)} ago"

    def rule(self, image: Image, rows: Optional[dict[str, Row]] = None) -> Ruling:
        """The first row that fits. The last row fits every image."""
        for name, row in (rows or ROWS).items():
            why = row.fits(image, self)
            if why is not None:
                return self._fate(image, name, row, why)
        raise AssertionError("the last row fits every image")

    def _fate(self, image: Image, name: str, row: Row, why: str) -> Ruling:
        reason = f"{name}: {why}" if why else name
        if not row.goes:
            return Ruling(image, name, row.kind, False, reason, row.until(image, self) if row.until else None)
        until = self.young_until(image)
        if until is not None:
            return Ruling(image, name, row.kind, False, f"{reason}; young until {show(until)}", until)
        return Ruling(image, name, row.kind, True, reason)

    def rank(self, ruling: Ruling) -> tuple[int, float, int, str]:
        """The order in which victims go: by class, least recently used first, a base after its images."""
        image = ruling.image
        return (ORDER.index(ruling.kind), self.entry(image).used, -len(image.layers), image.id)

    def _find_bases(self) -> dict[str, str]:
        """Images whose layers all lie at the bottom of another image that stays by another row."""
        others = {name: row for name, row in ROWS.items() if name != "base"}
        bottoms: dict[tuple[int, str], int] = {}
        above: dict[int, list[str]] = {}
        for image in self.host.images:
            if not self.rule(image, others).goes:
                for node in _walk(image.layers, bottoms):
                    first = above.setdefault(node, [])
                    if len(first) < 2:
                        first.append(image.id)
        found = {}
        for image in self.host.images:
            node = _top(image.layers, bottoms)
            on = [other for other in above.get(node, ()) if other != image.id] if node else []
            if on:
                found[image.id] = on[0]
        return found


def _walk(layers: Iterable[str], bottoms: dict[tuple[int, str], int]) -> Iterable[int]:
    """The node of every bottom of `layers`, entered where it is new."""
    node = 0
    for layer in layers:
        node = bottoms.setdefault((node, layer), len(bottoms) + 1)
        yield node


def _top(layers: Iterable[str], bottoms: dict[tuple[int, str], int]) -> int:
    """The node of all `layers` together; 0 when there are none, or nothing has them at its bottom."""
    node = 0
    for layer in layers:
        node = bottoms.get((node, layer), 0)
        if not node:
            return 0
    return node


def uninspectable(image: Image, _facts: _Facts) -> Optional[str]:
    """Is listed but cannot be inspected."""
    return image.problem or None


def container(image: Image, facts: _Facts) -> Optional[str]:
    """Is that of a container, running or not."""
    return facts.held(image, "container")


def service(image: Image, facts: _Facts) -> Optional[str]:
    """Is named by a service's spec."""
    return facts.held(image, "service")


def rollback(image: Image, facts: _Facts) -> Optional[str]:
    """Is named by a service's `PreviousSpec`."""
    return facts.held(image, "rollback")


def task(image: Image, facts: _Facts) -> Optional[str]:
    """Is named by a task that has not ended."""
    return facts.held(image, "task")


def pinned(image: Image, facts: _Facts) -> Optional[str]:
    """Is pinned by a recipe under the configured recipe roots."""
    return facts.held(image, "pinned")


def keep(image: Image, facts: _Facts) -> Optional[str]:
    """Matches a `keep` pattern."""
    pattern = facts.keep.pattern_of(image)
    return f"pattern {pattern}" if pattern else None


def base(image: Image, facts: _Facts) -> Optional[str]:
    """Has all its layers at the bottom of another image that stays by a row other than this."""
    other = facts.bases.get(image.id)
    return f"all its layers are in {other}, which stays" if other else None


def orphaned(image: Image, facts: _Facts) -> Optional[str]:
    """Has no tag and no digest, and no child."""
    if image.refs or image.id in facts.parents:
        return None
    return f"no name and no child, {facts.used(image)}"


def superseded(image: Image, facts: _Facts) -> Optional[str]:
    """Some tag meant it, every such tag was moved away from, and nothing has used it since."""
    tags = sorted({tag for key in image.keys for tag in facts.tags.get(key, ())})
    if not tags:
        return None
    moves = []
    for tag in tags:
        moved = facts.ledger.moved_away(tag, image.keys)
        if moved is None:
            return None
        moves.append(moved)
    if not facts.entry(image).wanted < max(moves):
        return None
    return f"{', '.join(tags)} moved on {show(facts.wall(max(moves)))}, {facts.used(image)}"


def unknown_origin(image: Image, facts: _Facts) -> Optional[str]:
    """Nothing shows that it can be had again."""
    if known_origin(image, facts.entry(image), facts.host.store):
        return None
    return f"nothing shows that it can be had again; {image.size} bytes, {facts.used(image)}"


def idle(image: Image, facts: _Facts) -> Optional[str]:
    """Was last used longer ago than `idle_after`."""
    after = facts.policy.idle_after
    if after is None or facts.clock - facts.entry(image).used <= after:
        return None
    return facts.used(image)


def cached(image: Image, facts: _Facts) -> Optional[str]:
    """Else: a torn-down recipe's image, whatever Docker calls it."""
    return facts.used(image)


def _idle_from(image: Image, facts: _Facts) -> Optional[float]:
    after = facts.policy.idle_after
    return None if after is None else facts.wall(facts.entry(image).used) + after


@dataclass(frozen=True)
class Row:
    """A row of the page: the class it gives, whether its images go when young no more, how to tell."""

    kind: str
    goes: bool
    fits: Callable[[Image, _Facts], Optional[str]]
    """Why `image` fits the row, in words; None when it does not."""
    until: Optional[Callable[[Image, _Facts], Optional[float]]] = None


ROWS: dict[str, Row] = {
    "uninspectable": Row(HELD, False, uninspectable),
    "container": Row(HELD, False, container),
    "service": Row(HELD, False, service),
    "rollback": Row(HELD, False, rollback),
    "task": Row(HELD, False, task),
    "pinned": Row(HELD, False, pinned),
    "keep": Row(HELD, False, keep),
    "base": Row(HELD, False, base),
    "orphaned": Row(ORPHANED, True, orphaned),
    "superseded": Row(SUPERSEDED, True, superseded),
    "unknown origin": Row(IDLE, False, unknown_origin),
    "idle": Row(IDLE, True, idle),
    "cached": Row(IDLE, False, cached, _idle_from),
}
"""From the top, the first that fits is the image's fate."""
