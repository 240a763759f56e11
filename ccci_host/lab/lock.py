"""One at a time changes the lab, whichever checkout it comes from."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccci_host.progress import say
from ccci_host.waiting import wait_until


@contextmanager
def held(path: Path, purpose: str, *, timeout: float = 1800.0) -> Iterator[None]:
    """Hold the lock file at `path` for `purpose`; wait up to `timeout` seconds for whoever holds it.

    The kernel lets go of it when its holder dies, so a lock is never stale. A holder may delete the folder
    that the file is in: a lock on a file that is gone counts for nothing, and is taken again.
    """
    descriptor = _acquire(path)
    if descriptor is None:
        say(f"Waiting for the lab: {_holder(path)}.")
        descriptor = wait_until(lambda: _acquire(path), what=f"the lab's lock {path}", timeout=timeout)
    try:
        os.ftruncate(descriptor, 0)
        note = {"pid": os.getpid(), "purpose": purpose, "from": str(Path.cwd()), "program": sys.argv[0]}
        os.pwrite(descriptor, json.dumps(note).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text())
        return f"process {note['pid']}, started in {note['from']}, is {note['purpose']}"
    except (OSError, ValueError, KeyError):
        return "somebody is changing it"
