"""A cached layer corrupted on disk: the image is there, by every list, and nothing in it runs."""

from importlib import resources

from ccci_host.faults import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

PROGRAM = (resources.files(__package__) / "corrupted_remote.py").read_text()
FILE = "bin/busybox"
"""What every image of the lab's catalogue runs."""


class CorruptedLayer(Fault):
    """Overwrites the one program in the lab's images with zeros, where the store has unpacked it.

    No daemon looks at an unpacked layer again, and none is downloaded; but the redeploy does not converge.
    """

    name = "layer-corrupted"
    task = "verify-pc3"
    point = ("before", "redeploy")
    expected = Verdict.UNKNOWN
    check = "run-complete"
    because = "ended early in redeploy"

    def inject(self, machine: Machine) -> None:
        """Overwrite it."""
        self._do(machine, "harm")

    def is_present(self, machine: Machine) -> bool:
        """Whether zeros stand there."""
        return self._do(machine, "look") > 0

    def revert(self, machine: Machine) -> None:
        """Put back what stood there."""
        self._do(machine, "mend")

    def _do(self, machine: Machine, word: str) -> int:
        return int(machine.run_python(PROGRAM, {"do": word, "file": FILE}))


FAULT = CorruptedLayer()
