"""One image removed by hand, of all that nothing runs."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class ImageRemoved(Fault):
    """Removes one image that no container holds, by its digest."""

    name = "image-removed"
    task = "verify-pc1"
    point = ("after", "teardown")
    check = "nothing-evicted"

    def __init__(self) -> None:
        self._gone = ""

    def inject(self, machine: Machine) -> None:
        """Remove the image that was pulled last."""
        listed = machine.executor.run(
            ["docker", "image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}"]
        ).check()
        for reference in listed.text.split():
            if "<none>" not in reference and machine.executor.run(["docker", "image", "rm", reference]).ok:
                self._gone = reference
                return

    def is_present(self, machine: Machine) -> bool:
        """Whether one is gone, by asking for it."""
        argv = ["docker", "image", "inspect", self._gone]
        return bool(self._gone) and not machine.executor.run(argv).ok

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added; the next deploy brings it back."""
        self._gone = ""


FAULT = ImageRemoved()
