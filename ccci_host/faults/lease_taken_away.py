"""Somebody gives back the lease of a run that is under way."""

from ccci_host.experiments.lease import AGENT, holders
from ccci_host.experiments.options import Point
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class LeaseTakenAway(Fault):
    """Releases every lease before the redeploy. Nothing is lost by it but what held a sweep back."""

    name = "lease-taken-away"
    task = "verify-pc3"
    point: Point = ("before", "redeploy")
    expected = Verdict.UNKNOWN
    check = "lease-held"
    stays = True

    def inject(self, machine: Machine) -> None:
        """Release them."""
        for holder in holders(machine):
            machine.executor.run([AGENT, "lease", "--release", holder.id]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether nobody holds one."""
        return not holders(machine)

    def revert(self, machine: Machine) -> None:
        """Nothing was added."""


FAULT = LeaseTakenAway()
