"""Space on the store's file system that the sweep gives up when a deletion is refused for want of it.

The classic store's engine writes the list of all names anew before an image goes (measured, Docker 26.1.5),
so on a disk that is full to the last block it can delete nothing. The containerd store needs no such help.

The file is kept in the agent's state folder where that lies on the store's file system, else in a folder of
its own in `DockerRootDir`. Only the holder of the ledger's lock may touch it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from . import paths
from .storage import sync_folder

FOLDER = Path(paths.BESIDE_STORE).name
FILE = "reserve"
SIZE = 1024 * 1024
"""Bytes. In the engine's list a name takes about 140 (measured); the file system writes a little besides."""

FULL = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """One reserve, by the folder that it lies in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE

    @property
    def held(self) -> int:
        """Bytes that are set aside; 0 where that was cut off half-way. Raises `OSError`."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return 0
        return size if size >= SIZE else 0

    def set_aside(self) -> None:
        """Make it where it is missing and there is room. Raises `OSError`, but not for a full disk."""
        if self.held:
            return
        self.folder.mkdir(exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)
            os.fsync(descriptor)
        except OSError as error:
            self.path.unlink()  # what it got of the last blocks, the engine needs
            if error.errno not in FULL:
                raise
        finally:
            os.close(descriptor)

    def give_up(self) -> bool:
        """Let its blocks go; whether there were any. Raises `OSError`."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        sync_folder(self.folder)  # ext4 and XFS hand freed blocks out once that is committed
        return True


def beside(root: Path, state: Path) -> Reserve:
    """The reserve on the file system of `root`, the daemon's folder. Raises `OSError`."""
    same = root.stat().st_dev == state.stat().st_dev
    return Reserve(state if same else root / FOLDER)
