"""A second experiment at the same time: it finds the lease of the first, and must not begin."""

from ccci_host.experiments.lease import AGENT, holders
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

OWNER = "the first experiment"


class SecondExperiment(Fault):
    """Holds a lease, as an experiment does that runs already."""

    name = "second-experiment"
    task = "verify-pc1"
    expected = Verdict.UNKNOWN
    check = "run-complete"

    def __init__(self) -> None:
        self._lease = ""

    def inject(self, machine: Machine) -> None:
        """Take the lease."""
        argv = [AGENT, "lease", "--hold", "600", "--owner", OWNER]
        self._lease = machine.executor.run(argv).check().text.split()[-1]

    def is_present(self, machine: Machine) -> bool:
        """Whether the agent names its holder."""
        return any(holder.owner == OWNER for holder in holders(machine))

    def revert(self, machine: Machine) -> None:
        """Give it back."""
        if self._lease:
            machine.executor.run([AGENT, "lease", "--release", self._lease]).check()
            self._lease = ""


FAULT = SecondExperiment()
