"""A sweep during an unleased deploy: somebody gave the run's lease back, and the timer fires."""

from ccci_host.agent import paths
from ccci_host.experiments.lease import AGENT, holders
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class LeaseLost(Fault):
    """Releases every lease, then starts the agent's service while the recipe is being deployed.

    The agent finds no lease and no pressure; what is lost is the proof that a lease holds it back.
    """

    name = "sweep-in-unleased-deploy"
    task = "verify-pc1"
    point = ("amid", "deploy")
    expected = Verdict.UNKNOWN
    check = "lease-holds-back-the-sweep"

    def inject(self, machine: Machine) -> None:
        """Release, and let it fire."""
        for holder in holders(machine):
            machine.executor.run([AGENT, "lease", "--release", holder.id]).check()
        machine.executor.run(["systemctl", "start", "--no-block", paths.SERVICE]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether nobody holds a lease while the deploy goes on."""
        return self.happens(machine)

    def happens(self, machine: Machine) -> bool:
        """No lease, and a stack of the suite's own or its phase."""
        return not holders(machine)

    def revert(self, machine: Machine) -> None:
        """Nothing was added."""


FAULT = LeaseLost()
