"""One at a time reads, changes and replaces the files of a folder, whichever command it is.

The lock is the kernel's, on the folder itself: it leaves no file there, and ends with its holder.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ccci_host.errors import CcciError
from ccci_host.waiting import wait_until

PATIENCE = 60.0
"""Seconds to wait for another holder, who needs far less than one."""


class _Held(threading.local):
    """The folders that this thread holds, each by its device and inode: a path may be another's alias."""

    def __init__(self) -> None:
        self.folders: set[tuple[int, int]] = set()


_held = _Held()


@contextmanager
def alone(folder: Path, *, timeout: float = PATIENCE) -> Iterator[None]:
    """Hold `folder`; wait up to `timeout` seconds for whoever does. Who holds it may ask for it again within.

    Raises `WaitTimeoutError` after that time, and `CcciError` for a folder that cannot be locked.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _no_lock(folder, error) from None
    try:
        status = os.fstat(handle)
        this = (status.st_dev, status.st_ino)
        if this in _held.folders:
            yield
            return
        wait_until(
            lambda: _locked(handle, folder),
            what=f"another command to be done with the files in {folder}",
            timeout=timeout,
            interval=0.05,
            resolution="`lslocks` names the process that holds the folder. End it, and try again.",
        )
        _held.folders.add(this)
        try:
            yield
        finally:
            _held.folders.remove(this)
    finally:
        os.close(handle)


def _locked(handle: int, folder: Path) -> Literal[True] | None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as error:
        raise _no_lock(folder, error) from None
    return True


def _no_lock(folder: Path, error: OSError) -> CcciError:
    return CcciError(
        f"{folder} cannot be locked, so no file in it was changed.",
        details=str(error),
        resolution="Make it a folder that may be read, on a file system with locks, and try again.",
    )
