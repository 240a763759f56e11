"""Docker Hub down before the redeploy: nothing resolves, and nothing that is asked for can be pulled."""

from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class RegistryDown(HubFault):
    """Closes the stand-in's doors."""

    name = "registry-down"
    task = "verify-pc3"
    point = ("before", "redeploy")
    expected = Verdict.UNKNOWN
    check = "run-complete"
    because = "ended early in redeploy"

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Close them."""
        self.hub.control.close_doors()

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether they are closed."""
        return not self.hub.control.health()["open"]

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Open them."""
        self.hub.control.open_doors()


FAULT = RegistryDown()
