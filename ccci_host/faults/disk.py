"""Faults that fill the file system of the image store."""

from typing import ClassVar

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import host


class FilledDisk(Fault):
    """Reserves blocks in a file that is no image, until so much of the disk is in use."""

    percent: ClassVar[float]
    """In use while the fault is there."""

    def inject(self, machine: Machine) -> None:
        """Reserve what is missing."""
        argv = ["df", "--block-size=1", "--output=used,avail", self._root(machine)]
        used, free = map(int, machine.executor.run(argv).check().text.splitlines()[1].split())
        wanted = int((used + free) * self.percent / 100) - used
        machine.executor.run(["fallocate", "--length", str(max(wanted, 1)), self._file(machine)]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether so much is in use, nearly."""
        used = host.look(machine).disk_used_percent
        return used is not None and used > self.percent - 2

    def revert(self, machine: Machine) -> None:
        """Give the blocks back."""
        machine.executor.run(["rm", "--force", self._file(machine)]).check()

    def _root(self, machine: Machine) -> str:
        """The fullest file system counts, and a file in either folder fills the one disk of both."""
        return host.look(machine).data_root or "/var/lib/docker"

    def _file(self, machine: Machine) -> str:
        return f"{self._root(machine)}/ccci-fault-ballast"
