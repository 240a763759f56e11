"""The file systems that hold the image stores: how large, how full."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ccci_host.agent import pressure
from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import FileSystem, ReadFile

STORE_FOLDERS = ("/var/lib/docker", pressure.CONTAINERD_ROOT)


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system, in bytes and inodes."""

    size: int
    available: int
    """Bytes that an ordinary process may still write."""
    used_percent: float
    """As `df` counts: of what is used and available together."""
    inodes_used_percent: float
    """0 on a file system that makes inodes as it needs them."""
    used: int = 0
    """Bytes in use."""


def disks(*folders: str) -> Fact[Mapping[str, Disk | Absent | Unreadable]]:
    """The fact for the file systems that hold `folders`, by folder."""
    probes = {folder: FileSystem(folder) for folder in folders}

    def parse(answers: Answers) -> Mapping[str, Disk | Absent | Unreadable]:
        seen = {folder: answers[probe] for folder, probe in probes.items()}
        return {
            folder: _disk(answer) if isinstance(answer, Present) else answer
            for folder, answer in seen.items()
        }

    return Fact(f"disks {' '.join(folders)}", tuple(probes.values()), parse)


DISKS = disks(*STORE_FOLDERS)


_CONTAINERD_CONFIG = ReadFile(pressure.CONTAINERD_CONFIG)


def _containerd_root(answers: Answers) -> str | None:
    """The root that containerd's configuration names, else its default; None where that cannot be read."""
    config = answers[_CONTAINERD_CONFIG]
    if isinstance(config, Unreadable):
        return None
    return pressure.root_in(config.text if isinstance(config, Present) else "")


CONTAINERD_ROOT = Fact("containerd's root", (_CONTAINERD_CONFIG,), _containerd_root)


def _disk(answer: Present) -> Disk:
    status = json.loads(answer.content)
    used = status["bytes"] - status["bytes_free"]
    inodes_used = status["inodes"] - status["inodes_free"]
    return Disk(
        size=status["bytes"],
        available=status["bytes_available"],
        used_percent=100 * used / (used + status["bytes_available"]) if used else 0.0,
        inodes_used_percent=100 * inodes_used / status["inodes"] if status["inodes"] else 0.0,
        used=used,
    )
