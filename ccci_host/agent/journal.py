"""`events.jsonl`: what the daemon's events showed of use since the last look, an event a line.

Between the events stand words of those who write: the watcher follows (`open`), was told to go (`stopped`),
saw the daemon close the stream (`closed`); a look caught up by itself (`caught up`); something may have been
missed (`gap`). A word may carry the last event that its writer saw, of whatever kind: the anchor.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from . import paths, storage
from .snapshot import read_events

OPEN, STOPPED, CLOSED, CAUGHT, GAP = "open", "stopped", "closed", "caught up", "gap"

Anchor = tuple[int, str]
"""`timeNano` and the actor's id of an event."""


@dataclass(frozen=True)
class Tail:
    """How a journal ends: the last event that was seen, the last word of a writer, and the boot then."""

    anchor: Optional[Anchor] = None
    said: str = ""
    boot: str = ""


class Journal:
    """The file. Written by the watcher and by looks, each under its lock."""

    def __init__(self, state: Path) -> None:
        self.path = state / paths.EVENTS_FILE
        self._lock = state / ".events.lock"

    def read(self) -> tuple[list[Any], str]:
        """All lines, and what is wrong with the file (empty when nothing is)."""
        return read_events(self.path) if self.path.exists() else ([], "")

    def tail(self) -> Tail:
        """How it ends."""
        return tail_of(self.read()[0])

    def append(self, lines: Iterable[Any]) -> None:
        """Write `lines` durably; raises `OSError`, and then none of them is in the file."""
        content = _content(lines)
        with self._locked(), self.path.open("ab") as file:
            before = file.tell()
            if before and not self._ends_whole():
                content = b"\n" + content  # the line before was cut off by a power cut
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), before)
                raise

    def settle(self, folded: list[Any]) -> None:
        """Drop the lines `folded`, which the ledger holds, but for the last event and the last word.

        What was caught up with, and is not in the file, comes into it that way. Raises `OSError`.
        """
        with self._locked():
            here, damage = self.read()
            known = {identity(line) for line in folded}
            lines = [*folded, *(line for line in here if not damage and identity(line) not in known)]
            last_event = max((n for n, line in enumerate(lines) if not is_word(line)), default=-1)
            last_word = max((n for n, line in enumerate(lines) if _is_state(line)), default=-1)
            stay = {last_event, last_word, *range(len(folded), len(lines))}
            kept = [line for number, line in enumerate(lines) if number in stay]
            if kept != here or damage:
                storage.write(self.path, _content(kept))

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def tail_of(lines: Iterable[Any]) -> Tail:
    """How a journal of these lines ends."""
    anchor: Optional[Anchor] = None
    said, boot = "", ""
    for line in lines:
        if not is_word(line):
            anchor = identity(line)
        elif _is_state(line):
            said, boot = str(line["Action"]), str(line.get("boot"))
            if line.get("anchor"):
                anchor = (int(line["anchor"][0]), str(line["anchor"][1]))
    return Tail(anchor, said, boot)


def word(
    action: str, now: float, boot: str, *, reason: str = "", anchor: Optional[Anchor] = None
) -> dict[str, Any]:
    """A line that is no event."""
    line: dict[str, Any] = {"Type": "watch", "Action": action, "time": now, "boot": boot}
    if reason:
        line["reason"] = reason
    if anchor:
        line["anchor"] = list(anchor)
    return line


def is_word(line: Any) -> bool:
    """Whether a line is no event of the daemon."""
    return bool(line.get("Type") == "watch")


def identity(line: Any) -> Anchor:
    """What tells one line from another."""
    actor = (line.get("Actor") or {}).get("ID") or line.get("id") or line.get("Action")
    nano = line.get("timeNano") or int((line.get("time") or 0) * 1e9)
    return int(nano), str(actor)


def _is_state(line: Any) -> bool:
    return is_word(line) and line.get("Action") in (OPEN, STOPPED, CLOSED, CAUGHT)


def _content(lines: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
