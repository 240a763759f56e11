"""The incident itself: `docker image prune -af` between teardown and redeploy."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class PruneAll(Fault):
    """Frees the disk the usual way, and with it every image that nothing runs right now."""

    name = "prune-af"
    task = "verify-pc3"
    point = ("before", "redeploy")
    check = "layers-from-local-store"
    stays = True

    def inject(self, machine: Machine) -> None:
        """Prune, as people do."""
        machine.executor.run(["docker", "image", "prune", "--all", "--force"], timeout=300).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether no image is left that a container does not hold."""
        listed = (
            machine.executor.run(["docker", "image", "ls", "--all", "--quiet", "--no-trunc"]).check().text
        )
        used = machine.executor.run(["docker", "container", "ls", "--all", "--quiet"]).check().text
        if not used:
            return not listed
        argv = ["docker", "container", "inspect", "--format", "{{.Image}}", *used.split()]
        return set(listed.split()) <= set(machine.executor.run(argv).check().text.split())

    def revert(self, machine: Machine) -> None:
        """Nothing was added; the redeploy brings the images back."""


FAULT = PruneAll()
