"""Faults in a file of the host: another content for a while, then the very file of before."""

from abc import abstractmethod
from typing import ClassVar

from ccci_host.faults.aside import ASIDE, put_aside, put_back
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class AlteredFile(Fault):
    """Puts a file aside and another in its place."""

    path: ClassVar[str]
    mode: ClassVar[str] = "0644"

    @abstractmethod
    def altered(self, content: bytes, machine: Machine) -> bytes:
        """What is to stand there, made from what stands there."""

    def inject(self, machine: Machine) -> None:
        """Put the file aside, and the altered one in its place."""
        run = machine.executor.run
        content = run(["cat", self.path]).check().stdout
        put_aside(machine, self.path)
        argv = ["install", f"--mode={self.mode}", "/dev/stdin", self.path]
        run(argv, input=self.altered(content, machine)).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether what stands there is not what was put aside."""
        return machine.executor.run(["cmp", "--silent", self.path, self.path + ASIDE]).exit_code == 1

    def revert(self, machine: Machine) -> None:
        """Put it back, where it was put aside."""
        put_back(machine, self.path)
