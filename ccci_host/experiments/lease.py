"""The experiment's timed lease: while it is held, the agent deletes nothing.

A timed lease survives a reboot and ends by itself, so that a killed experiment holds nobody back for long.
Its owner names controller, process, start of that process, and in which boot and which process namespace that
is to be understood: who finds it later there can tell whether anybody still stands behind it.
"""

import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccci_host.agent import paths
from ccci_host.agent.leases import not_there
from ccci_host.errors import HostError, RefusedError, UnansweredError
from ccci_host.experiments.interrupts import postponed
from ccci_host.records import Event, LeaseSeen
from ccci_host.transport.machine import Machine

AGENT = paths.ARCHIVE
HOLD_SECONDS = 3600
"""How far ahead the deadline is set, beyond the longest that a boot may take."""
RENEW_AFTER_SECONDS = 300
"""It is set anew at the next phase after so long, and meanwhile where a person is waited for."""
OWNER = "ccci-host"


@dataclass(frozen=True, slots=True)
class Holder:
    """A timed lease on the host, and who says to hold it."""

    id: str
    owner: str
    until: str

    @property
    def is_left(self) -> bool:
        """Whether nobody goes by it: it is of a dead experiment, or this process lost track of it."""
        return self.is_dead or (process_table() is not None and self.owner == own_name())

    @property
    def is_dead(self) -> bool:
        """Whether it is of an experiment of this controller whose process is no more.

        Of another boot or process namespace nothing can be known, though it call itself by our host's name:
        containers have the same one, and machines of one image. Such a lease ends at its deadline.
        """
        match self.owner.split():
            case [owner, name, pid, start, *table] if owner == OWNER and pid.isdecimal():
                ours = name == socket.gethostname() and tuple(table) == process_table()
                return ours and is_gone(int(pid), start)
        return False


def own_name() -> str:
    """How this process names itself as the owner of a lease."""
    process = (str(os.getpid()), str(process_start(os.getpid())))
    return " ".join((OWNER, socket.gethostname(), *process, *(process_table() or ())))


def process_table() -> tuple[str, str] | None:
    """What a process id is to be understood in: kernel's boot and process namespace; None if not told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return boot, str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def process_start(pid: int) -> str | None:
    """When a process of this machine began, in the kernel's ticks; None where that is not told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def is_gone(pid: int, start: str) -> bool:
    """Whether the process `pid` that began at `start` is no more.

    Where `/proc` is mounted with `hidepid` it does not show another user's; a signal finds it all the same.
    """
    began = process_start(pid)
    if began is not None:
        return began != start
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False


class TimedLease:
    """Taken for `hold` seconds, renewed, released; each step is handed to `write`."""

    def __init__(self, machine: Machine, write: Any, hold: float = HOLD_SECONDS) -> None:
        self._machine = machine
        self._write = write
        self._hold = f"{hold:.0f}"
        self._owner = own_name()
        self._since = 0.0
        self._was_lost = False
        """Whether it is to be taken again yet, or others to be asked for who came meanwhile."""
        self.id: str | None = None

    def take(self) -> None:
        """Take it; raises `HostError` when the agent cannot give one."""
        with postponed():
            self._take()

    def _take(self) -> None:
        done = self._machine.executor.run([AGENT, "lease", "--hold", self._hold, "--owner", self._owner])
        if not done.ok or not done.text:
            self._say("refused", problem=done.stderr.decode(errors="replace").strip() or "no lease id came")
            raise HostError(
                f"{self._machine.instance.where} gives no lease, so its agent might delete images meanwhile.",
                details=done.stderr.decode(errors="replace").strip(),
                resolution="Install the agent of this checkout with `invoke provision`.",
            )
        self.id = done.text.split()[-1]
        self._since = time.time()
        self._say("taken")

    def renew(self) -> None:
        """Set its deadline anew, some time after the last; one that was lost meanwhile is taken again.

        Raises `RefusedError` where somebody took his chance while nobody held it.
        """
        # Not by the monotonic clock: that one stands still while a laptop sleeps.
        young = 0 <= time.time() - self._since < RENEW_AFTER_SECONDS
        if self.id is None or (young and not self._was_lost):
            return
        done = self._machine.run_repeatable([AGENT, "lease", "--renew", self.id, "--hold", self._hold])
        problem = None if done.ok else done.stderr.decode(errors="replace").strip()
        self._say("renewed" if done.ok else "lost", problem=problem)
        self._since = time.time()
        if not done.ok:
            self._was_lost = True
            self.take()
        if self._was_lost:  # also where the host could not be asked the last time
            refuse_over_others(self._machine, own=self.id)
            self._was_lost = False

    def release(self) -> None:
        """Give it back; one that is held no more was lost on the way, whoever or whatever ended it."""
        if self.id is None:
            return
        argv = [AGENT, "lease", "--release", self.id]
        given_back = {self.id}  # of one that had ended the agent says so, and that is no error
        try:
            done = self._machine.executor.run(argv)
        except UnansweredError:
            done = self._machine.executor.run(argv)
            given_back.add(not_there(self.id))  # by the first try
        if done.ok and done.text in given_back:
            self._say("released")
        else:
            said = done.stderr.decode(errors="replace").strip() or done.text
            self._say("lost", problem=said or f"the agent ended with exit code {done.exit_code}")
        self.id = None

    def _say(self, step: Any, *, problem: str | None = None) -> None:
        event: Event = LeaseSeen(step=step, id=self.id, owner=self._owner, problem=problem)
        self._write(event)


def holders(machine: Machine) -> tuple[Holder, ...]:
    """Who holds a lease on the host now; raises `HostError` when the agent does not say."""
    done = machine.run_repeatable([AGENT, "status", "--json"])
    try:
        status = json.loads(done.stdout)
        leases = status["leases"]
    except (ValueError, KeyError, TypeError):
        raise HostError(
            f"The agent on {machine.instance.where} does not say who holds a lease.",
            details=done.stderr.decode(errors="replace").strip() or f"exit code {done.exit_code}",
            resolution="Install the agent of this checkout with `invoke provision`.",
        ) from None
    return tuple(
        Holder(
            id=str(lease.get("id", "")), owner=str(lease.get("owner", "")), until=str(lease.get("until", ""))
        )
        for lease in leases
    )


def refuse_over_others(machine: Machine, *, own: str | None = None) -> tuple[Holder, ...]:
    """Release the leases that experiments of this controller left, and refuse while anybody else holds one.

    Returns what was released; raises `RefusedError` naming the holder.
    """
    released = []
    for holder in holders(machine):
        if holder.id == own:
            continue
        if not holder.is_left:
            raise RefusedError(
                f"Somebody else's run is under way on {machine.instance.where}.",
                details=f"{holder.owner or 'somebody without a name'} holds a lease until {holder.until}.",
                resolution="Wait until it ends; `ccci-prune status` on the host names its holder. If it is "
                f"timed, and its run is no more: `ccci-prune lease --release {holder.id}` there.",
            )
        machine.run_repeatable([AGENT, "lease", "--release", holder.id]).check()
        released.append(holder)
    return tuple(released)
