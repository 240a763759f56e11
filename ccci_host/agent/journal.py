"""`events.jsonl`: what the daemon's events showed of use since the last look, an event a line.

Between the events stand words of those who write: the watcher follows (`open`), was told to go (`stopped`),
saw the daemon close the stream (`closed`); a look caught up by itself (`caught up`); something may have been
missed (`gap`). A word may carry the last event that its writer saw, of whatever kind: the anchor.

The file has its size from the start, zeros after the last line, and lines are written in place: a full disk
does not keep what was used from being written down. What a power cut tore shows by zeros within a line or
between two, and is a gap. When the file is full, of lines that say the same the last one stays; should that
not do, they become a gap.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from . import paths, storage
from .snapshot import parse_events
from .storage import Reserved

SIZE = 1024 * 1024
"""Bytes of the file; about four thousand lines. A second one of that size is its spare."""

OPEN, STOPPED, CLOSED, CAUGHT, GAP = "open", "stopped", "closed", "caught up", "gap"

Anchor = tuple[int, str]
"""`timeNano` and the actor's id of an event."""

TORN = "the last lines were torn by a power cut"


@dataclass(frozen=True)
class Tail:
    """How a journal ends: the last event that was seen, the last word of a writer, and the boot then."""

    anchor: Optional[Anchor] = None
    said: str = ""
    boot: str = ""
    complete: bool = False
    """Whether all that the writer saw is in the journal, as far as it knew."""


class Journal:
    """The file. Written by the watcher and by looks, each under its lock."""

    def __init__(self, state: Path) -> None:
        self.path = state / paths.EVENTS_FILE
        self._file = Reserved(self.path, least=SIZE, fill=b"\0")
        self._lock = state / ".events.lock"
        self._complete = state / paths.COMPLETE_FILE

    def read(self) -> tuple[list[Any], str]:
        """All lines that can be read, and what is wrong with the file (empty when nothing is)."""
        if not self.path.exists():
            return [], ""
        try:
            with self._locked(fcntl.LOCK_SH):
                return self._read()
        except OSError as error:
            return [], str(error)

    def tail(self) -> Tail:
        """How it ends."""
        return tail_of(self.read()[0], complete=self.complete)

    @property
    def complete(self) -> bool:
        """Whether it is marked as holding all that its writer saw. The mark survives a reboot."""
        return self._complete.exists()

    def doubt(self) -> bool:
        """Take the mark away, which needs no space; returns whether it was there. Raises `OSError`."""
        try:
            self._complete.unlink()
        except FileNotFoundError:
            return False
        storage.sync_folder(self._complete.parent)
        return True

    def trust(self) -> None:
        """Mark it as complete; on a full disk it stays without, and what follows from that is a gap."""
        if self.complete:
            return
        try:
            self._complete.touch()
            storage.sync_folder(self._complete.parent)
        except OSError:
            return

    def append(self, lines: Iterable[Any]) -> None:
        """Write `lines` durably; raises `OSError`, and then none of them is in the file."""
        with self._locked(fcntl.LOCK_EX):
            whole, rest = self._parts()
            torn = _is_torn(rest)
            added = [*([_gap(TORN)] if torn else []), *lines]
            content = _content(added)
            if len(content) <= len(rest):
                self._write(len(whole), content.ljust(len(rest) if torn else 0, b"\0"))
                return
            here, damage = parse_events(whole)
            try:
                self._file.write(_fitting([*here, *([_gap(damage)] if damage else []), *added]))
            except OSError:  # no room for the whole of it: as with any file, the line may still fit
                if len(whole) + len(rest) >= SIZE:
                    raise
                self._write(len(whole), content)

    def settle(self, folded: list[Any]) -> None:
        """Drop the lines `folded`, which the ledger holds, but for the last event and the last word.

        What was caught up with, and is not in the file, comes into it that way. Raises `OSError`.
        """
        with self._locked(fcntl.LOCK_EX):
            here, damage = self._read()
            known = {identity(line) for line in folded}
            lines = [*folded, *(line for line in here if identity(line) not in known)]
            stay = {*_ends(lines), *range(len(folded), len(lines))}
            kept = [line for number, line in enumerate(lines) if number in stay]
            if kept != here or damage:
                self._file.write(_fitting(kept))

    def _read(self) -> tuple[list[Any], str]:
        whole, rest = self._parts()
        lines, damage = parse_events(whole)
        return lines, damage or (TORN if _is_torn(rest) else "")

    def _parts(self) -> tuple[bytes, bytes]:
        """The whole lines, and what follows them: zeros, if nothing was torn."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return b"", b""
        zero = content.find(b"\0")
        end = content.rfind(b"\n", 0, len(content) if zero < 0 else zero) + 1
        return content[:end], content[end:]

    def _write(self, at: int, content: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            storage.write_all(descriptor, content, at)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, at)
            raise
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def essence(lines: list[Any]) -> list[Any]:
    """Of lines that say the same the last: how often between two looks something was used does not matter."""
    last = {_saying(line): number for number, line in enumerate(lines)}
    stay = {*last.values(), *_ends(lines)}
    return [line for number, line in enumerate(lines) if number in stay]


def tail_of(lines: Iterable[Any], *, complete: bool = False) -> Tail:
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
    return Tail(anchor, said, boot, complete)


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


def _ends(lines: list[Any]) -> set[int]:
    """The places of the last event and of the last word on who watches: the tail is made of them."""
    events = [number for number, line in enumerate(lines) if not is_word(line)]
    words = [number for number, line in enumerate(lines) if _is_state(line)]
    return {*events[-1:], *words[-1:]}


def _saying(line: Any) -> str:
    """What a line says, whenever it was; of a container only which image it is of."""
    if is_word(line):
        return "a gap" if line.get("Action") == GAP else "who watches"
    actor = line.get("Actor") or {}
    image = (actor.get("Attributes") or {}).get("image") if line.get("Type") == "container" else None
    return json.dumps([line.get("Type"), line.get("Action"), image or actor.get("ID"), line.get("Service")])


def _fitting(lines: list[Any]) -> bytes:
    """The content of a file that holds `lines`, with half of it left for those to come."""
    content = _content(lines)
    if len(content) > SIZE // 2:
        content = _content(essence(lines))
    if len(content) > SIZE // 2:
        ends = _ends(lines)
        last = [line for number, line in enumerate(lines) if number in ends]
        content = _content([*last, _gap("the journal of events was full")])
    return content


def _gap(reason: str) -> dict[str, Any]:
    return word(GAP, time.time(), "", reason=reason)


def _is_torn(rest: bytes) -> bool:
    """Whether anything but zeros follows the whole lines."""
    return rest != bytes(len(rest))


def _content(lines: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
