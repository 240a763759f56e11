"""Ctrl-C, in each phase of each experiment."""

import os
import signal
from typing import get_args

from ccci_host.faults.fault import Fault
from ccci_host.records import Phase
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

TASKS: dict[str, tuple[Phase, ...]] = {
    "verify-pc2": ("deploy", "cold-pull"),
    "reboot-and-redeploy": ("teardown", "reboot", "redeploy", "final-teardown", "evict", "control-redeploy"),
    "verify-pc3": ("pin-control", "tag-control"),
}
"""Each phase but those before and after all others, in the shortest task that has it."""


class Interrupted(Fault):
    """Sends this process the signal of Ctrl-C at the beginning of a phase."""

    expected = Verdict.UNKNOWN
    check = "run-complete"
    interrupts = True

    def __init__(self, task: str, phase: Phase) -> None:
        assert phase in get_args(Phase)  # noqa: S101 - a mistake in the table above
        self.name = f"ctrl-c-in-{phase}"
        self.task = task
        self.because = f"interrupted during {phase} "
        self.point = ("before", phase)
        self._sent = False

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Send it; what follows is the experiment's clean-up.

        A process that was started in the background may ignore it; here it does as one in a terminal.
        """
        self._sent = True
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            signal.signal(signal.SIGINT, before)

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether it was sent."""
        return self._sent

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added."""
        self._sent = False


FAULTS = tuple(Interrupted(task, phase) for task, phases in TASKS.items() for phase in phases)
