"""Data disks: small file systems of their own, so that disk pressure is real inside and never reaches out."""

from pathlib import Path

from ccci_host.lab.commands import run

FOLDERS = {"docker": "/var/lib/docker", "containerd": "/var/lib/containerd"}
"""Top-level folders of a data disk, and where an instance mounts them."""

_MOUNTS = Path("/proc/self/mountinfo")


class DataDisk:
    """An ext4 file system in the sparse file `NAME.img` of `folder`, mounted at `NAME` beside it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.img"
        self.mount_point = folder / name

    def ensure_mounted(self, size_gb: float) -> None:
        """Mount it, once made with `size_gb` GiB where there is none. The loop device goes with the mount."""
        if not self.file.exists():
            self._make(size_gb)
        if self.mount_point not in mount_points():
            self.mount_point.mkdir(exist_ok=True)
            run(["mount", "-o", "loop,nodev", str(self.file), str(self.mount_point)]).check()
        for folder in FOLDERS:
            (self.mount_point / folder).mkdir(exist_ok=True, mode=0o711)

    def unmount(self) -> None:
        """Unmount it, and with that free its loop device."""
        if self.mount_point in mount_points():
            run(["umount", str(self.mount_point)]).check()

    def remove(self) -> None:
        """Unmount and delete it."""
        self.unmount()
        self.file.unlink(missing_ok=True)
        if self.mount_point.exists():
            self.mount_point.rmdir()

    def _make(self, size_gb: float) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        half_done = self.file.with_suffix(".half-done")
        with half_done.open("wb") as file:
            file.truncate(int(size_gb * 2**30))
        run(["mkfs.ext4", "-q", "-F", "-m", "0", str(half_done)]).check()
        half_done.rename(self.file)


def mount_points(table: Path = _MOUNTS) -> tuple[Path, ...]:
    """Where something is mounted, in the order of mounting."""
    fields = (line.split(" ") for line in table.read_text().splitlines())
    return tuple(Path(words[4].encode().decode("unicode_escape")) for words in fields)
