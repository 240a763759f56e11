"""What the agent remembers of a host: when images were seen and used, what tags meant, time seen to pass.

Times in the ledger are seconds of the agent's own clock, which only counts time that was seen to pass: at
most a day between two looks, nothing for a step backward. A host that was off for five weeks has not aged its
images. `looked` alone is a moment (epoch seconds).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from .clock import DAY

VERSION = 1


@dataclass
class Entry:
    """An image of the store."""

    first: float
    """When it was first seen."""
    used: float
    """When it was last used, in any way."""
    wanted: float
    """When something last asked for it anew: a deploy, a container's start, a pull, a pin. A rollback spec or
    a stopped container that is merely still there does not."""
    origin: str = ""
    """What showed that it can be had again; empty when nothing did."""
    chain: str = ""
    """Identity of its layers, to recognise it as the bottom of a new image."""


@dataclass
class Mark:
    """A digest that a tag meant: since when, and when the tag was last asked for by itself and gave this."""

    first: float
    asked: Optional[float] = None


@dataclass
class Ledger:
    """The whole memory."""

    clock: float = 0.0
    looked: Optional[float] = None
    images: dict[str, Entry] = field(default_factory=dict)
    tags: dict[str, dict[str, Mark]] = field(default_factory=dict)
    """`repository:tag` → digest → mark."""
    asks: dict[str, list[str]] = field(default_factory=dict)
    """Service id → the tag that its present spec asked for, and the digest that it got: one ask."""
    folded: str = ""
    """The last event that is in here: its nanoseconds and its actor."""
    sweep_since: Optional[float] = None
    """The moment at which an unfinished sweep began."""
    above_since: Optional[float] = None
    """The moment since which ticks have ended above the high watermark."""
    fresh: str = ""
    """Why this ledger begins anew: there was none, or it was corrupt. Everything counts as used now."""

    def copy(self) -> Ledger:
        """Another ledger with the same content, to be changed."""
        images = {
            key: Entry(entry.first, entry.used, entry.wanted, entry.origin, entry.chain)
            for key, entry in self.images.items()
        }
        tags = {
            tag: {digest: Mark(mark.first, mark.asked) for digest, mark in marks.items()}
            for tag, marks in self.tags.items()
        }
        asks = {service: list(ask) for service, ask in self.asks.items()}
        return replace(self, images=images, tags=tags, asks=asks)

    def clock_at(self, now: float, *, trusted: bool = False) -> float:
        """The agent's clock at the moment `now`; a `trusted` moment is not capped to a day."""
        if self.looked is None:
            return self.clock
        passed = max(now - self.looked, 0.0)
        return self.clock + (passed if trusted else min(passed, DAY))

    def meanings(self, tag: str) -> frozenset[str]:
        """The digests that `tag` may mean now: the one that it was last asked for and gave, and what was
        found to belong to it since; empty when nothing is known of it."""
        marks = self.tags.get(tag, {})
        asked = last_asked(marks)
        if asked is None:
            return frozenset(marks)
        moved = marks[asked].asked or 0.0
        return frozenset(digest for digest, mark in marks.items() if digest == asked or mark.first > moved)

    def moved_away(self, tag: str, keys: frozenset[str]) -> Optional[float]:
        """When `tag` was moved, by somebody who asked for it, away from the image that `keys` mean.

        None when it was not, or when it was found to belong to that image since.
        """
        marks = self.tags.get(tag, {})
        asked = last_asked(marks)
        if asked is None or asked in keys:
            return None
        moved = marks[asked].asked or 0.0
        return moved if all(mark.first <= moved for digest, mark in marks.items() if digest in keys) else None


def last_asked(marks: dict[str, Mark]) -> Optional[str]:
    """The digest that a tag gave when it was last asked for by itself; None when it never was."""
    last, found = -1.0, None
    for digest, mark in marks.items():
        if mark.asked is not None and (mark.asked, digest) > (last, found or ""):
            last, found = mark.asked, digest
    return found


def dump(ledger: Ledger) -> bytes:
    """The ledger as JSON."""
    whole = {
        **vars(ledger),
        "version": VERSION,
        "images": {key: vars(entry) for key, entry in ledger.images.items()},
        "tags": {
            tag: {digest: vars(mark) for digest, mark in marks.items()} for tag, marks in ledger.tags.items()
        },
    }
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"


def load(read: Callable[[], bytes]) -> Ledger:
    """The ledger in the file that `read` reads; one that begins anew, and says why, when there is none."""
    try:
        return parse(read())
    except FileNotFoundError:
        return Ledger(fresh="there was no ledger")
    except OSError as error:
        return Ledger(fresh=f"the ledger cannot be read ({error})")


def parse(content: bytes) -> Ledger:
    """The ledger in `content`; one that begins anew, and says why, when it is corrupt."""
    try:
        raw = json.loads(content)
        if raw.pop("version") != VERSION:
            raise ValueError("another version")
        images = {str(key): _entry(value) for key, value in raw.pop("images").items()}
        tags = {
            str(tag): {str(digest): _mark(mark) for digest, mark in marks.items()}
            for tag, marks in raw.pop("tags").items()
        }
        asks = {str(key): [str(text) for text in value] for key, value in raw.pop("asks").items()}
        return Ledger(
            images=images,
            tags=tags,
            asks=asks,
            clock=float(raw["clock"]),
            looked=_optional(raw["looked"]),
            folded=str(raw["folded"]),
            sweep_since=_optional(raw["sweep_since"]),
            above_since=_optional(raw["above_since"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Ledger(fresh=f"the ledger is corrupt ({type(error).__name__}: {error})")


def _entry(raw: dict[str, Any]) -> Entry:
    return Entry(
        float(raw["first"]), float(raw["used"]), float(raw["wanted"]), str(raw["origin"]), str(raw["chain"])
    )


def _mark(raw: dict[str, Any]) -> Mark:
    return Mark(float(raw["first"]), _optional(raw["asked"]))


def _optional(value: Any) -> Optional[float]:
    return None if value is None else float(value)
