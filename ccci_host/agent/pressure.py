"""How full the file systems that hold the store are: blocks and inodes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .host import CONTAINERD, Host
from .problem import UnreadableError

CONTAINERD_CONFIG = "/etc/containerd/config.toml"
CONTAINERD_ROOT = "/var/lib/containerd"
_ROOT = re.compile(r"""^\s*root\s*=\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True)
class FileSystem:
    """A file system that holds the store, and how full it is in percent, as `df` counts."""

    path: str
    blocks: float
    inodes: float
    free: int = 0
    """Bytes that are available."""
    taken: int = 0
    """Bytes that are used."""

    @property
    def used(self) -> float:
        """The fuller of blocks and inodes, in percent."""
        return max(self.blocks, self.inodes)

    def __str__(self) -> str:
        return f"{self.path} at {self.blocks:.1f} % (inodes {self.inodes:.1f} %)"


def recorded(percent: float) -> tuple[FileSystem, ...]:
    """The one file system of a recorded snapshot."""
    return (FileSystem("the recorded disk", percent, 0.0),)


def measure(host: Host, *more: str) -> tuple[FileSystem, ...]:
    """The file systems that hold the store of `host`, and `more` folders, each once.

    Raises `UnreadableError`.
    """
    found: dict[int, FileSystem] = {}
    for folder in (*store_folders(host), *more):
        try:
            found.setdefault(os.stat(folder).st_dev, _measure(folder))
        except OSError as error:
            raise UnreadableError(f"disk: {folder} cannot be measured ({error})") from None
    return tuple(found.values())


def disk_json(disk: tuple[FileSystem, ...]) -> list[dict[str, Any]]:
    """The file systems that hold the store."""
    return [
        {
            "path": system.path,
            "blocks_percent": round(system.blocks, 2),
            "inodes_percent": round(system.inodes, 2),
            "free_bytes": system.free,
        }
        for system in disk
    ]


def store_folders(host: Host) -> tuple[str, ...]:
    """The folders that hold layers: the daemon's own, or containerd's where that is the store.

    On the containerd store the daemon's folder has volumes and logs, and no image that goes makes room there.
    """
    if host.store != CONTAINERD:
        return (host.root,)
    own = Path(host.root) / "containerd" / "daemon"
    return (str(own) if own.is_dir() else _containerd_root(),)


def root_in(config: str) -> str:
    """The folder where containerd, so configured, keeps what it has."""
    found = _ROOT.search(config)
    return found.group(1) if found else CONTAINERD_ROOT


def _containerd_root() -> str:
    try:
        return root_in(Path(CONTAINERD_CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return CONTAINERD_ROOT
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"disk: {CONTAINERD_CONFIG} cannot be read ({error})") from None


def _measure(folder: str) -> FileSystem:
    stat = os.statvfs(folder)
    used = stat.f_blocks - stat.f_bfree
    blocks = 100.0 * used / max(used + stat.f_bavail, 1)
    inodes = 100.0 * (stat.f_files - stat.f_ffree) / stat.f_files if stat.f_files else 0.0
    return FileSystem(folder, blocks, inodes, stat.f_bavail * stat.f_frsize, used * stat.f_frsize)
