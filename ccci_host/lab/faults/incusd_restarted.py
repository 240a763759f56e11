"""incusd killed and started again in the middle of the redeploy: instances live on, and so does the proof."""

import os
import signal

from ccci_host.errors import RefusedError
from ccci_host.faults import Fault
from ccci_host.lab import processes
from ccci_host.lab.incusd import PROGRAM, Daemon
from ccci_host.lab.settings import Settings
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from ccci_host.waiting import wait_until


class IncusdRestarted(Fault):
    """Kills the lab's own Incus daemon between two requests, and starts it again."""

    name = "incusd-restarted"
    task = "verify-pc3"
    point = ("amid", "redeploy")
    expected = Verdict.PASS
    check = "layers-from-local-store"

    def __init__(self) -> None:
        self._before: set[int] = set()

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Kill it, and bring it up as `lab.up` does."""
        daemon = Daemon(Settings.usual())
        if not daemon.is_own:
            raise RefusedError("The lab lives in this machine's own Incus, which others may need.")
        self._before = self._daemons()
        for pid in self._before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: None if daemon.answers() else True, what="incusd to be gone", timeout=30)
        daemon.ensure_running()

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether another process is the daemon now."""
        now = self._daemons()
        return bool(self._before and now) and not self._before & now

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Have it running, whatever happened."""
        self._before = set()
        Daemon(Settings.usual()).ensure_running()

    def _daemons(self) -> set[int]:
        """The daemon itself; what it forks for a command bears another word."""
        mine = str(Settings.usual().incus)
        command = f"{PROGRAM} --group root"
        return {
            one.pid for one in processes.running() if one.command.strip() == command and one.incus_dir == mine
        }


FAULT = IncusdRestarted()
