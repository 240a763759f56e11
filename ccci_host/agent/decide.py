"""Which image may go: docs/retention.md, row by row.

`decide()` is a pure function of a host, the ledger, the policy and the circumstances. From the top, the first
row that fits is the image's fate. An image is judged whole, with all its references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Optional

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

Why = Callable[[Image, "_Facts"], str]


class Ruling(NamedTuple):
    """An image's fate and its row. `until` is when it may go, where that is known; epoch seconds."""

    image: Image
    row: str
    kind: str
    """Its class."""
    goes: bool
    until: Optional[float]
    facts: _Facts
    young: bool = False
    behind: str = ""
    """The gates that alone keep it."""

    @property
    def reason(self) -> str:
        """Why, in words; begins with the row's name."""
        reason = f"{self.row}: {ROWS[self.row].why(self.image, self.facts)}"
        if self.young and self.until is not None:
            reason += f"; young until {show(self.until)}"
        return f"{reason}; may go, but for the gate {self.behind}" if self.behind else reason


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
    rulings = facts.rule()
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
    until = max(known) if len(known) == len(untils) else None
    return ruling._replace(goes=False, until=until, behind=", ".join(gate.name for gate in shut))


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
        self.held = {row: {image for image, rows in self.holds.items() if row in rows} for row in roots.ROWS}
        """The images that roots hold, by row."""
        self.keep = roots.Keep(policy.keep, self.index)
        self.parents = {image.parent for image in host.images if image.parent}
        self.tags: dict[str, tuple[str, ...]] = {}
        """Every tag that was found to mean an image, by its id."""
        for tag, marks in ledger.tags.items():
            for digest in marks:
                for image in self.index.with_key(digest):
                    self.tags[image] = (*self.tags.get(image, ()), tag)
        self.bases: dict[str, str]
        """Images whose layers all lie at the bottom of another that stays, and that other: known once the
        other rows have ruled."""

    def entry(self, image: Image) -> Entry:
        """What is remembered of `image`; one that was never seen counts as seen and used now."""
        return self.ledger.images.get(image.id) or Entry(self.clock, self.clock, self.clock)

    def wall(self, clock: float) -> float:
        """The moment at which the agent's clock showed `clock`, if all time since was seen to pass."""
        return self.now - (self.clock - clock)

    def young_until(self, image: Image) -> Optional[float]:
        """When `image` is young no more; None when it is not young."""
        entry = self.entry(image)
        left = self.policy.young - (self.clock - max(entry.first, entry.used))
        return self.now + left if left > 0 else None

    def rule(self) -> list[Ruling]:
        """The ruling on every image: the first row that fits it."""
        rulings = [self._ruling(image, self._first_row(image)) for image in self.host.images]
        self.bases = find_bases(self.host.images, (ruling.image for ruling in rulings if not ruling.goes))
        return [
            self._ruling(ruling.image, "base")
            if ruling.row in BELOW_BASE and base(ruling.image, self)
            else ruling
            for ruling in rulings
        ]

    def _first_row(self, image: Image) -> str:
        """The first row that fits, `base` apart, which asks what the others say of other images."""
        rows = ROWS if image.id in self.holds else UNHELD_ROWS
        return next(name for name, row in rows.items() if row.fits is not base and row.fits(image, self))

    def _ruling(self, image: Image, name: str) -> Ruling:
        row = ROWS[name]
        if row.goes:
            until = self.young_until(image)
            return Ruling(image, name, row.kind, until is None, until, self, young=until is not None)
        return Ruling(image, name, row.kind, False, row.until(image, self) if row.until else None, self)

    def rank(self, ruling: Ruling) -> tuple[int, float, int, str]:
        """The order in which victims go: by class, least recently used first, a base after its images."""
        image = ruling.image
        return (ORDER.index(ruling.kind), self.entry(image).used, -len(image.layers), image.id)


def find_bases(images: Iterable[Image], staying: Iterable[Image]) -> dict[str, str]:
    """Images whose layers all lie at the bottom of one of the `staying` other than itself, and that other."""
    whole = {image.layers for image in images if image.layers}
    lengths = sorted({len(layers) for layers in whole})
    above: dict[tuple[str, ...], list[str]] = {}
    for image in staying:
        for length in lengths:
            if length > len(image.layers):
                break
            bottom = image.layers[:length]
            if bottom in whole:
                above.setdefault(bottom, []).append(image.id)
    found = {}
    for image in images:
        other = next((other for other in above.get(image.layers, ()) if other != image.id), None)
        if other is not None:
            found[image.id] = other
    return found


def uninspectable(image: Image, _facts: _Facts) -> bool:
    """Is listed but cannot be inspected."""
    return bool(image.problem)


def container(image: Image, facts: _Facts) -> bool:
    """Is that of a container, running or not."""
    return image.id in facts.held["container"]


def service(image: Image, facts: _Facts) -> bool:
    """Is named by a service's spec."""
    return image.id in facts.held["service"]


def rollback(image: Image, facts: _Facts) -> bool:
    """Is named by a service's `PreviousSpec`."""
    return image.id in facts.held["rollback"]


def task(image: Image, facts: _Facts) -> bool:
    """Is named by a task that has not ended."""
    return image.id in facts.held["task"]


def pinned(image: Image, facts: _Facts) -> bool:
    """Is pinned by a recipe under the configured recipe roots."""
    return image.id in facts.held["pinned"]


def keep(image: Image, facts: _Facts) -> bool:
    """Matches a `keep` pattern."""
    return image.id in facts.keep.held


def base(image: Image, facts: _Facts) -> bool:
    """Has all its layers at the bottom of another image that stays by a row other than this."""
    return image.id in facts.bases


def orphaned(image: Image, facts: _Facts) -> bool:
    """Has no tag and no digest, and no child."""
    return not image.tags and not image.digests and image.id not in facts.parents


def superseded(image: Image, facts: _Facts) -> bool:
    """Some tag meant it, all such tags have moved on, nothing has used it since, and it can be had again."""
    moves = [facts.ledger.moved_away(tag, image.keys) for tag in facts.tags.get(image.id, ())]
    if not moves or None in moves:
        return False
    unused = facts.entry(image).wanted < max(moved for moved in moves if moved is not None)
    return unused and not unknown_origin(image, facts)


def unknown_origin(image: Image, facts: _Facts) -> bool:
    """Nothing shows that it can be had again."""
    return not known_origin(image, facts.entry(image), facts.host.store)


def idle(image: Image, facts: _Facts) -> bool:
    """Was last used longer ago than `idle_after`."""
    after = facts.policy.idle_after
    return after is not None and facts.clock - facts.entry(image).used > after


def cached(_image: Image, _facts: _Facts) -> bool:
    """Else: a torn-down recipe's image, whatever Docker calls it."""
    return True


def _held_by(row: str, image: Image, facts: _Facts) -> str:
    return facts.holds[image.id][row]


def _used(image: Image, facts: _Facts) -> str:
    entry = facts.entry(image)
    return f"last used {show(facts.wall(entry.used))}, {span(facts.clock - entry.used)} ago"


def _moved(image: Image, facts: _Facts) -> str:
    tags = sorted({*facts.tags[image.id]})
    moves = [facts.ledger.moved_away(tag, image.keys) for tag in tags]
    moved = max(moved for moved in moves if moved is not None)
    return f"{', '.join(tags)} moved on {show(facts.wall(moved))}, {_used(image, facts)}"


def _idle_from(image: Image, facts: _Facts) -> Optional[float]:
    after = facts.policy.idle_after
    return None if after is None else facts.wall(facts.entry(image).used) + after


@dataclass(frozen=True)
class Row:
    """A row of the page: its class, whether its images go when young no more, which fit, and why in words."""

    kind: str
    goes: bool
    fits: Callable[[Image, _Facts], bool]
    why: Why
    until: Optional[Callable[[Image, _Facts], Optional[float]]] = None
    """When another row will fit, where that is known."""


ROWS: dict[str, Row] = {
    "uninspectable": Row(HELD, False, uninspectable, lambda image, _: image.problem),
    "container": Row(HELD, False, container, partial(_held_by, "container")),
    "service": Row(HELD, False, service, partial(_held_by, "service")),
    "rollback": Row(HELD, False, rollback, partial(_held_by, "rollback")),
    "task": Row(HELD, False, task, partial(_held_by, "task")),
    "pinned": Row(HELD, False, pinned, partial(_held_by, "pinned")),
    "keep": Row(HELD, False, keep, lambda image, facts: f"pattern {facts.keep.held[image.id]}"),
    "base": Row(HELD, False, base, lambda image, facts: f"its layers are in {facts.bases[image.id]}"),
    "orphaned": Row(ORPHANED, True, orphaned, lambda image, facts: f"no name, {_used(image, facts)}"),
    "superseded": Row(SUPERSEDED, True, superseded, _moved),
    "unknown origin": Row(
        IDLE,
        False,
        unknown_origin,
        lambda image, facts: f"may have been made here; {image.size} bytes, {_used(image, facts)}",
    ),
    "idle": Row(IDLE, True, idle, _used),
    "cached": Row(IDLE, False, cached, _used, _idle_from),
}
"""From the top, the first that fits is the image's fate."""

UNHELD_ROWS = {name: row for name, row in ROWS.items() if name not in roots.ROWS}
"""Those that an image can fit which no root holds: most images of a large host."""

BELOW_BASE = frozenset(list(ROWS)[list(ROWS).index("base") + 1 :])
