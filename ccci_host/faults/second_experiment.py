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
    because = "Somebody else's run is under way"

    def inject(self, machine: Machine) -> None:
        """Take the lease."""
        argv = [AGENT, "lease", "--hold", "600", "--owner", OWNER]
        machine.executor.run(argv).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether the agent names its holder."""
        return any(holder.owner == OWNER for holder in holders(machine))

    def revert(self, machine: Machine) -> None:
        """Give it back, by its holder's name: whoever was cut off never heard its id."""
        for holder in holders(machine):
            if holder.owner == OWNER:
                machine.executor.run([AGENT, "lease", "--release", holder.id]).check()


FAULT = SecondExperiment()
