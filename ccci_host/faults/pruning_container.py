"""A janitor container, with the Docker socket and a prune in its command."""

from ccci_host.faults.fault import Fault
from ccci_host.faults.scratch import make_image
from ccci_host.transport.machine import Machine

NAME = "ccci-fault-janitor"
IMAGE = "ccci-fault-janitor:1"


class PruningContainer(Fault):
    """Runs a container that says it prunes. It sleeps: what it would do is not to be waited for."""

    name = "pruning-container"
    task = "verify-pc1"
    check = "no-competing-pruner"

    def inject(self, machine: Machine) -> None:
        """Start it."""
        make_image(machine, IMAGE)
        machine.executor.run(
            [
                *("docker", "run", "--detach", "--name", NAME),
                *("--volume", "/var/run/docker.sock:/var/run/docker.sock"),
                *("--env", "EVERY_NIGHT=docker image prune --all --force"),
                IMAGE,
            ]
        ).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether it runs."""
        argv = ["docker", "container", "inspect", "--format", "{{.State.Running}}", NAME]
        return machine.executor.run(argv).text == "true"

    def revert(self, machine: Machine) -> None:
        """Remove it with its image."""
        for argv in (["container", "rm", "--force", NAME], ["image", "rm", "--force", IMAGE]):
            machine.executor.run(["docker", *argv])


FAULT = PruningContainer()
