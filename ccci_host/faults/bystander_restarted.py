"""A stranger's container that is restarted in the middle of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

from ccci_host.faults.fault import Fault
from ccci_host.faults.scratch import make_image
from ccci_host.transport.machine import Machine

NAME = "bystander"
IMAGE = "bystander-image:1"
_STARTED = ("docker", "container", "inspect", "--format", "{{.State.StartedAt}}", NAME)


class BystanderRestarted(Fault):
    """Restarts a container that ran before the run, and is nobody's that the run knows."""

    name = "bystander-restarted"
    task = "verify-pc1"
    point = ("before", "teardown")
    check = "strangers-untouched"
    stays = True

    def __init__(self) -> None:
        self._before = ""

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """The container runs for as long as the run lasts."""
        run = machine.executor.run
        make_image(machine, IMAGE)
        try:
            run(["docker", "run", "--detach", "--name", NAME, "--init", IMAGE]).check()
            self._before = run(_STARTED).check().text
            yield machine
        finally:
            run(["docker", "container", "rm", "--force", NAME]).check()
            run(["docker", "image", "rm", IMAGE]).check()

    def inject(self, machine: Machine) -> None:
        """Restart it."""
        machine.executor.run(["docker", "restart", "--time", "1", NAME]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether it was started anew."""
        return machine.executor.run(_STARTED).check().text != self._before

    def revert(self, machine: Machine) -> None:
        """It goes when the run is over."""


FAULT = BystanderRestarted()
