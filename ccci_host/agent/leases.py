"""Run leases: while one is held, nothing is deleted.

Two kinds. One ends with a process: its record lies in the run folder and is locked by the process itself,
so that a crash frees it. One is timed: a record with a deadline in the state folder, which survives a reboot
and ends by itself. Whoever takes a lease first publishes its record and then waits, by a shared lock on
`sweep.lock`, for the one removal that may be in flight; a sweep holds that lock alone around each removal and
looks for records inside it. So a lease that was asked for is granted after at most one removal, and a sweep
cannot starve it.

`flock --shared /run/ccci-prune/sweep.lock CMD` is a lease as well, without a name.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, Optional

from . import paths, storage
from .clock import HOUR, show
from .gates import Lease
from .problem import AgentError, UnreadableError

LONGEST = 6 * HOUR
"""Seconds that a timed lease may still last when it is read."""

MOMENT = 60.0
"""Seconds for which the record of an ended lease is left alone."""

SWEEP_LOCK = "sweep.lock"

LOCKS = Path("/proc/locks")
"""The kernel's list of locks: kind, mode (`READ` is a shared one), process, file; `->` is one that waits."""


class Leases:
    """The leases of a host, by the agent's state and run folders."""

    def __init__(self, state: Path, run: Path) -> None:
        self.timed = state / paths.LEASE_FOLDER
        self.bound = run / paths.LEASE_FOLDER
        self.lock = run / SWEEP_LOCK

    def held(self, now: Optional[float] = None) -> tuple[Lease, ...]:
        """The leases that are held, one that reaches too far ahead cut. Raises `UnreadableError`."""
        now = time.time() if now is None else now
        try:
            found = [self._read_timed(path, now) for path in _records(self.timed)]
            found += [self._read_bound(path) for path in _records(self.bound)]
        except OSError as error:
            raise UnreadableError(f"leases: {error}") from None
        leases = sorted((lease for lease in found if lease is not None), key=lambda lease: lease.id)
        return tuple(leases) or self._nameless(now)

    def grant(self, owner: str, hold: float) -> Lease:
        """A timed lease of `hold` seconds, once no removal is in flight; raises `AgentError`."""
        now = time.time()
        lease = Lease(secrets.token_hex(6), owner, now, now + _checked(hold))
        self._record(lease)
        self._wait_for_removal()
        return lease

    def renew(self, identity: str, hold: float) -> Lease:
        """The timed lease `identity`, now for `hold` more seconds; raises `AgentError` when it has ended."""
        now = time.time()
        found = [lease for lease in self.held(now) if lease.id == identity and lease.until is not None]
        if not found:
            raise AgentError(
                f"There is no timed lease {identity}: it ended, or was never granted. Ask for a new one."
            )
        lease = Lease(identity, found[0].owner, found[0].since, now + _checked(hold))
        self._record(lease)
        return lease

    def release(self, identity: str) -> str:
        """End the timed lease `identity`, and say what came of it: `identity` where it was held until now.

        Raises `AgentError` for one that ends with its process. Of one that has no record nobody can say
        whether it ended long ago or was never granted.
        """
        path = self._timed_path(identity)
        lease = _timed(path)
        if lease is None:
            if any(held.id == identity and held.until is None for held in self.held()):
                raise AgentError(f"The lease {identity} ends with its process: it cannot be released.")
            return not_there(identity)
        path.unlink(missing_ok=True)
        storage.sync_folder(self.timed)
        return identity if (lease.until or 0.0) > time.time() else f"{identity} had ended by itself"

    def run(self, argv: Sequence[str], owner: str) -> NoReturn:
        """Become the command `argv`, with a lease that ends when it and all that it started have ended.

        Raises `AgentError` when the command cannot be started.
        """
        try:
            self.bound.mkdir(parents=True, exist_ok=True)
            self._lock_record(Lease(secrets.token_hex(6), owner, time.time()))
            self._wait_for_removal(keep=True)
            os.execvp(argv[0], list(argv))  # noqa: S606 - the command that the caller was asked to run
        except OSError as error:
            raise AgentError(f"{argv[0]} cannot be run under a lease: {error}") from None

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the lock of removals, or yield False when somebody holds a lease by it. Never waits."""
        descriptor = self._open_lock()
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _nameless(self, now: float) -> tuple[Lease, ...]:
        """A lease by the shared lock alone, as the kernel lists it; a sweep's own lock is never shared.

        To try the lock here would keep a sweep from it. The sweep's unit does not show it that list (none:
        no such lease), and the sweep tries the lock itself.
        """
        try:
            file = self.lock.stat()
            listed = LOCKS.read_text(encoding="ascii").splitlines()
        except OSError:
            return ()
        place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
        shared = (line.split() for line in listed if " FLOCK " in line and " READ " in line)
        return (nameless(now),) if any(place in words and "->" not in words for words in shared) else ()

    def _open_lock(self) -> int:
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self.lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _wait_for_removal(self, *, keep: bool = False) -> None:
        descriptor = self._open_lock()
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if keep:
            os.set_inheritable(descriptor, True)
        else:
            os.close(descriptor)

    def _timed_path(self, identity: str) -> Path:
        if not identity.isalnum():
            raise AgentError(f"{identity!r} is no lease id.")
        return self.timed / f"{identity}.json"

    def _record(self, lease: Lease) -> None:
        try:
            self.timed.mkdir(parents=True, exist_ok=True)
            storage.write(self._timed_path(lease.id), _content(lease))
        except OSError as error:
            raise AgentError(f"The lease cannot be recorded: {error}") from None

    def _lock_record(self, lease: Lease) -> None:
        """Publish a record that this process, and whatever it becomes, has locked."""
        path = self.bound / f"{lease.id}.json"
        beside = self.bound / f".{lease.id}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, _content(lease))
        os.set_inheritable(descriptor, True)
        beside.replace(path)

    def _read_timed(self, path: Path, now: float) -> Optional[Lease]:
        limit = now + LONGEST
        lease = _timed(path)
        if lease is None:
            return None
        until = lease.until or 0.0
        if until <= now:
            return None
        if until > limit:
            lease = Lease(lease.id, lease.owner, lease.since, limit)
            self._record(lease)
        return lease

    def _read_bound(self, path: Path) -> Optional[Lease]:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raw = _read(path)
            if not isinstance(raw, dict):
                return Lease(path.stem, "a process", path.stat().st_mtime)
            return Lease(path.stem, str(raw.get("owner")), float(raw.get("since") or 0.0))
        finally:
            os.close(descriptor)
        return None  # its process has ended


def tidy(leases: Leases, now: float) -> None:
    """Remove the records of leases that have ended.

    They are listed before they are read, for one that is granted meanwhile is in neither list. One that was
    written a moment ago stays too: it may have been renewed since it was read.
    """
    listed = [*_records(leases.timed), *_records(leases.bound)]
    held = {lease.id for lease in leases.held(now)}
    for path in listed:
        with suppress(FileNotFoundError):
            if path.stem not in held and path.stat().st_mtime < now - MOMENT:
                path.unlink()


def nameless(now: float) -> Lease:
    """What is known of a lease by the lock alone."""
    return Lease("flock", "a process that has sweep.lock locked", now)


def not_there(identity: str) -> str:
    """What is said of a timed lease that has no record."""
    return f"there is no lease {identity}"


def describe(lease: Lease) -> str:
    """A lease in one line."""
    until = f"until {show(lease.until)}" if lease.until is not None else "while its process lives"
    return f"{lease.id}: {lease.owner}, since {show(lease.since)}, {until}"


def _records(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _timed(path: Path) -> Optional[Lease]:
    """The timed lease of a record, ended or not; None when the record is gone."""
    raw = _read(path)
    if raw is None:
        return None
    try:
        return Lease(path.stem, str(raw["owner"]), float(raw["since"]), float(raw["until"]))
    except (TypeError, KeyError, ValueError):
        changed = path.stat().st_mtime
        return Lease(path.stem, f"somebody whose record {path} is damaged", changed, changed + LONGEST)


def _read(path: Path) -> Any:
    """A record's JSON; None when it is gone, an empty text when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return ""


def _content(lease: Lease) -> bytes:
    return json.dumps({"owner": lease.owner, "since": lease.since, "until": lease.until}).encode() + b"\n"


def _checked(hold: float) -> float:
    if not 0 < hold <= LONGEST:
        raise AgentError(
            f"A timed lease lasts up to {LONGEST:.0f} s and is renewed: {hold:g} s cannot be had."
        )
    return hold
