"""A PAT that was revoked at Docker Hub: the host knows nothing of it."""

from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.lab.hub.accounts import READ_ONLY
from ccci_host.transport.machine import Machine


class PatRevoked(HubFault):
    """Revokes the PAT that the lab's hosts have."""

    name = "pat-revoked"
    task = "verify-pc2"
    check = "credential-accepted"

    def inject(self, machine: Machine) -> None:
        """Revoke it."""
        self.hub.control.revoke(machine.config.hub.account, READ_ONLY)

    def is_present(self, machine: Machine) -> bool:
        """Whether the stand-in's book says so."""
        return self.hub.accounts.accounts[machine.config.hub.account].pats[READ_ONLY].revoked

    def revert(self, machine: Machine) -> None:
        """Let it count again."""
        self.hub.control.restore(machine.config.hub.account, READ_ONLY)


FAULT = PatRevoked()
