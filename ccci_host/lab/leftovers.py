"""Takes away what a lab's own daemon leaves on this machine when it cannot tidy up itself."""

import shutil
from pathlib import Path

from ccci_host.lab import processes
from ccci_host.lab.commands import run
from ccci_host.lab.disk import mount_points
from ccci_host.lab.settings import Settings

_INTERFACES = Path("/sys/class/net")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_CHAINS = ("pstrt", "fwd", "in", "out")
"""Incus' nftables chains of a bridge, in its table `inet incus`."""


def clear(settings: Settings) -> None:
    """End processes, remove the bridge with its rules, unmount, and empty the folder. The daemon is down."""
    processes.end(processes.left_behind(processes.running(), settings))
    if (_INTERFACES / settings.bridge).exists():
        run(["ip", "link", "delete", settings.bridge]).check()
    for chain in _chains(settings):
        run(["nft", "delete", "chain", "inet", "incus", chain]).check()
    for folder in _control_groups(settings):
        folder.rmdir()
    for point in reversed(mount_points()):
        if point.is_relative_to(settings.folder):
            run(["umount", str(point)]).check()
    empty_folder(settings)


def empty_folder(settings: Settings) -> None:
    """Delete all in the lab's folder but the lock; what says that it is being purged goes last."""
    last = (settings.daemon, settings.purging, settings.mark)
    for path in settings.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path not in (settings.lock, *last):
            path.unlink()
    for path in last:
        path.unlink(missing_ok=True)


def _control_groups(settings: Settings) -> tuple[Path, ...]:
    """Those of containers that were killed, inner ones first; LXC leaves them and takes another name next."""
    tops = [
        top
        for hierarchy in (_CONTROL_GROUPS, *_CONTROL_GROUPS.iterdir())
        for top in hierarchy.glob(f"lxc.*.{settings.project}_*")
    ]
    inner = [folder for top in tops for folder in top.rglob("*") if folder.is_dir()]
    return tuple(sorted({*tops, *inner}, key=lambda folder: -len(folder.parts)))


def _chains(settings: Settings) -> tuple[str, ...]:
    """Those of the lab's bridge that exist."""
    listed = run(["nft", "list", "table", "inet", "incus"])
    if not listed.ok:  # there is no such table
        return ()
    words = set(listed.text.split())
    return tuple(f"{chain}.{settings.bridge}" for chain in _CHAINS if f"{chain}.{settings.bridge}" in words)
