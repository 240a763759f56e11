"""Faults in what systemd does with a unit of the agent."""

from typing import ClassVar

from ccci_host.agent import paths
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class UnitState(Fault):
    """Does something to the agent's timer by `systemctl`, and undoes it."""

    task = "verify-pc1"
    check = "timer-armed"
    does: ClassVar[tuple[tuple[str, ...], ...]]
    undoes: ClassVar[tuple[tuple[str, ...], ...]]
    shows: ClassVar[tuple[str, str]]
    """A property of the unit, and its value while the fault is there."""

    def inject(self, machine: Machine) -> None:
        """Do it."""
        self._all(machine, self.does)

    def is_present(self, machine: Machine) -> bool:
        """Whether systemd says so."""
        name, value = self.shows
        argv = ["systemctl", "show", f"--property={name}", "--value", paths.TIMER]
        return machine.executor.run(argv).check().text == value

    def revert(self, machine: Machine) -> None:
        """Undo it."""
        self._all(machine, self.undoes)

    def _all(self, machine: Machine, commands: tuple[tuple[str, ...], ...]) -> None:
        for words in commands:
            machine.executor.run(["systemctl", *words, paths.TIMER]).check()
