"""Files that survive a power cut and a full disk.

`write` is written, fsynced, renamed. `Reserved` keeps a second file of the same size beside the first, so
that the next write needs not one new block: its content goes into the spare, the names change places. A file
system that never writes in place (btrfs, ZFS) cannot promise that, and there a write may still fail.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

SLACK = 1.25
STEP = 64 * 1024
"""Bytes; reserved space grows by whole steps: a ledger that grows by a line needs no new space."""


def write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace the file at `path` as a whole, durably; raises `OSError`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def recall(path: Path) -> dict[str, Any]:
    """What was remembered in the file at `path`; nothing when it cannot be read: it is found out again."""
    try:
        remembered = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def remember(path: Path, content: dict[str, Any]) -> None:
    """Write down what can be found out again; on a full disk nothing is."""
    try:
        write(path, json.dumps(content).encode())
    except OSError:
        return


class Reserved:
    """A file whose next write has its space reserved. Only one process may write it at a time.

    It is padded with `fill` to its reserved size, which is at least `least` bytes; JSON does not mind blanks.
    """

    def __init__(self, path: Path, *, least: int = STEP, fill: bytes = b" ") -> None:
        self.path = path
        self.least = least
        self.fill = fill
        self.spare = path.with_name(path.name + ".spare")
        self.former = path.with_name(path.name + ".former")

    def read(self) -> bytes:
        """The content; raises `OSError`."""
        return self.path.read_bytes()

    def write(self, content: bytes) -> None:
        """Replace the content durably; raises `OSError`, which leaves the former content in place."""
        self._recover()
        size = self._room(len(content))
        descriptor = os.open(self.spare, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            room = os.fstat(descriptor).st_size
            if room < size:
                os.posix_fallocate(descriptor, 0, size)
                room = size
            write_all(descriptor, content.ljust(room, self.fill))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self.path.exists():
            os.link(self.path, self.former)
        os.replace(self.spare, self.path)
        self._recover()
        sync_folder(self.path.parent)
        self._reserve(len(content))

    def _recover(self) -> None:
        """Finish a change of places that was cut off: the former file is the spare of the next write."""
        if not self.former.exists():
            return
        if self.path.exists() and os.path.samefile(self.former, self.path):
            self.former.unlink()
        else:
            os.replace(self.former, self.spare)

    def _room(self, length: int) -> int:
        have = self.spare.stat().st_size if self.spare.exists() else 0
        return have if have >= length else self._size(length)

    def _reserve(self, length: int) -> None:
        """Make the spare large enough for a content that grows; when the disk is full, later."""
        size = self._size(length)
        descriptor = os.open(self.spare, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(descriptor).st_size < size:
                os.posix_fallocate(descriptor, 0, size)
        except OSError:
            return
        finally:
            os.close(descriptor)

    def _size(self, length: int) -> int:
        return max(self.least, -(-int(length * SLACK) // STEP) * STEP)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes, at: int = 0) -> None:
    """Write `content` from the byte `at` on."""
    view = memoryview(content)
    os.lseek(descriptor, at, os.SEEK_SET)
    while view:
        view = view[os.write(descriptor, view) :]
