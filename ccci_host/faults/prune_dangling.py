"""`docker image prune -f` between teardown and redeploy: "dangling only", which is every torn-down recipe.

On the classic store alone: what swarm pulls by digest has no tag there (facts 1 and 2). The containerd store
calls none of it dangling, and the same command does nothing (fact 4).
"""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class PruneDangling(Fault):
    """Prunes what no tag names, as the usual timer does."""

    name = "prune-f"
    task = "verify-pc3"
    point = ("before", "redeploy")
    check = "layers-from-local-store"
    stores = ("classic",)

    def __init__(self) -> None:
        self._before: set[str] = set()

    def inject(self, machine: Machine) -> None:
        """Prune."""
        self._before = self._dangling(machine)
        machine.executor.run(["docker", "image", "prune", "--force"], timeout=300).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether what dangled is gone."""
        return bool(self._before) and not self._before & self._dangling(machine)

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added; the redeploy brings the images back."""
        self._before = set()

    def _dangling(self, machine: Machine) -> set[str]:
        argv = ["docker", "image", "ls", "--filter", "dangling=true", "--quiet"]
        return set(machine.executor.run(argv).check().text.split())


FAULT = PruneDangling()
