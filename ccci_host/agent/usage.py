"""What fills the disk: images, and all that is not the agent's to remove."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .daemon import Daemon, DaemonError
from .host import CLASSIC, Host
from .pressure import measure
from .problem import UnreadableError


def explain(daemon: Daemon, host: Host) -> dict[str, Any]:
    """Bytes by what they are for; what cannot be had stands under `problems`.

    `other` is what is used on the file systems of the store and of the daemon's folder, and is none of these:
    files beside Docker's, and on the containerd store content and snapshots that belong to no image.
    """
    found: dict[str, Any] = {}
    problems = []
    try:
        answer = daemon.get("/system/df")
        found["images"] = int(answer.get("LayersSize") or 0)
        found["container_layers"] = _sum(answer.get("Containers"), "SizeRw")
        found["volumes"] = sum(
            max(int((volume.get("UsageData") or {}).get("Size") or 0), 0)
            for volume in answer.get("Volumes") or ()
        )
        found["build_cache"] = _sum(answer.get("BuildCache"), "Size")
    except DaemonError as error:
        problems.append(str(error))
    try:
        found["logs"] = sum(map(_occupied, Path(host.root, "containers").glob("*/*-json.log*")))
        if host.store == CLASSIC:
            found["layers_of_no_image"] = sum(map(_weigh, _stray_layers(Path(host.root))))
    except OSError as error:
        problems.append(str(error))
    try:
        used = found["used"] = sum(system.taken for system in measure(host, host.root))
    except UnreadableError as error:
        problems.append(str(error))
    if not problems:
        found["other"] = max(used - sum(value for key, value in found.items() if key != "used"), 0)
    return {**found, "problems": problems}


def _sum(entries: Any, key: str) -> int:
    return sum(int(entry.get(key) or 0) for entry in entries or ())


def _stray_layers(root: Path) -> list[Path]:
    """Folders of the classic store's layers that neither an image nor a container's record names."""
    layers = root / "image" / "overlay2" / "layerdb"
    named = {path.read_text(encoding="ascii").strip() for path in layers.glob("sha256/*/cache-id")}
    for record in ("mount-id", "init-id"):
        named.update(path.read_text(encoding="ascii").strip() for path in layers.glob(f"mounts/*/{record}"))
    folders = [path for path in (root / "overlay2").glob("*") if path.name != "l" and path.is_dir()]
    return [path for path in folders if path.name not in named]


def _weigh(folder: Path) -> int:
    """Bytes that the files under `folder` take on disk."""
    total = 0
    for parent, _, files in os.walk(folder):
        total += sum(_occupied(Path(parent, name)) for name in files)
    return total


def _occupied(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0  # gone since it was listed
