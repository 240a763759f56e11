"""Processes that the lab's own daemon leaves behind when it is killed.

A container is a monitor (`[lxc monitor] FOLDER NAME`) and, in a control group of its own, an init with all
that this started. An init dies with its monitor; a monitor outlives the daemon, and so does dnsmasq.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ccci_host.lab.settings import Settings
from ccci_host.waiting import wait_until

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    command: str
    """Its argv, joined by spaces."""
    groups: tuple[str, ...]
    """The folders on the paths of its control groups."""
    incus_dir: str | None = None
    """`INCUS_DIR` in its environment."""


def left_behind(processes: Iterable[Process], settings: Settings) -> tuple[int, ...]:
    """Those that belong to the lab: daemon, monitors, dnsmasq, and all that runs in its containers."""
    monitor = f"[lxc monitor] {settings.incus}/containers "
    payload = f"lxc.payload.{settings.project}_"
    return tuple(
        process.pid
        for process in processes
        if process.command.startswith(monitor)
        or (
            process.command.startswith("/usr/libexec/incus/incusd")
            and process.incus_dir == str(settings.incus)
        )
        or (process.command.startswith("dnsmasq ") and f"={settings.incus}/" in process.command)
        or any(group.startswith(payload) for group in process.groups)
    )


def running() -> Iterator[Process]:
    """All processes of this machine."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                yield _read(entry)
            except OSError:  # it ended meanwhile
                continue


def end(pids: Iterable[int]) -> None:
    """Kill `pids` and wait until they are gone."""
    doomed = tuple(pids)
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it ended meanwhile, perhaps with its parent
            continue
    wait_until(
        lambda: None if any(_lives(pid) for pid in doomed) else True,
        what=f"the processes {', '.join(map(str, doomed))} to end",
        timeout=20,
        interval=0.05,
    )


def _read(entry: Path) -> Process:
    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    groups = (entry / "cgroup").read_text().replace("\n", "/").split("/")
    variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
    incus_dir = next((text.partition("=")[2] for text in variables if text.startswith("INCUS_DIR=")), None)
    return Process(int(entry.name), command, tuple(groups), incus_dir)


def _lives(pid: int) -> bool:
    """Whether it runs; a zombie does not, and is its parent's to bury."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
