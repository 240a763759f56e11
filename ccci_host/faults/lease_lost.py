"""A sweep during an unleased deploy: somebody gave the run's lease back, and the timer fires."""

from ccci_host.agent import paths
from ccci_host.faults.lease_taken_away import LeaseTakenAway
from ccci_host.transport.machine import Machine


class LeaseLost(LeaseTakenAway):
    """Releases every lease, then has the agent's service make a tick while the recipe is being deployed.

    The agent finds no lease and no pressure; what is lost is the proof that a lease holds it back.
    """

    name = "sweep-in-unleased-deploy"
    task = "verify-pc1"
    point = ("amid", "deploy")
    check = "lease-holds-back-the-sweep"

    def inject(self, machine: Machine) -> None:
        """Release, and let it fire; its tick has ended well when systemd says so."""
        super().inject(machine)
        machine.executor.run(["systemctl", "start", paths.SERVICE]).check()


FAULT = LeaseLost()
