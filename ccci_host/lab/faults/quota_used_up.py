"""The account's quota used up before the redeploy: Docker Hub answers 429, and tags stay bare (fact 16)."""

from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class QuotaUsedUp(HubFault):
    """Leaves the account no pull in this window."""

    name = "registry-429"
    task = "verify-pc3"
    point = ("before", "redeploy")
    until = ("before", "final-teardown")
    expected = Verdict.UNKNOWN
    check = "specs-carry-digests"
    because = "Deployed without a digest"

    def inject(self, machine: Machine) -> None:
        """Leave it none."""
        self.hub.control.set_remaining(self._payer(machine), 0)

    def is_present(self, machine: Machine) -> bool:
        """Whether none is left."""
        bucket = self.hub.control.buckets().get(self._payer(machine))
        return bucket is not None and bucket["remaining"] <= 0

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Every bucket is full again."""
        self.hub.control.refill()

    def _payer(self, machine: Machine) -> str:
        return f"account:{machine.config.hub.account}"


FAULT = QuotaUsedUp()
