"""The agent's timer masked: its unit is a link to nowhere, and nothing can start it."""

from ccci_host.agent import paths
from ccci_host.faults.aside import ASIDE, put_back
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine

UNIT = f"{paths.UNIT_FOLDER}/{paths.TIMER}"


class TimerMasked(Fault):
    """Puts the unit's file aside, and masks the timer."""

    name = "timer-masked"
    task = "verify-pc1"
    check = "timer-armed"
    because = f"{paths.TIMER} is masked"

    def inject(self, machine: Machine) -> None:
        """systemd masks no unit whose file is in the way."""
        machine.executor.run(["systemctl", "stop", paths.TIMER]).check()
        machine.executor.run(["mv", UNIT, UNIT + ASIDE]).check()
        machine.executor.run(["systemctl", "mask", paths.TIMER]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether systemd says so."""
        argv = ["systemctl", "show", "--property=LoadState", "--value", paths.TIMER]
        return machine.executor.run(argv).check().text == "masked"

    def revert(self, machine: Machine) -> None:
        """Put the file back in the link's place, and start the timer."""
        put_back(machine, UNIT)
        for words in (["daemon-reload"], ["start", paths.TIMER]):
            machine.executor.run(["systemctl", *words]).check()


FAULT = TimerMasked()
