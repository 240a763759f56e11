"""A deployer that leaves tags unresolved: the node pulls by tag, and the image keeps that name."""

from collections.abc import Iterator
from contextlib import contextmanager

from ccci_host.faults.bug import Bug
from ccci_host.transport.machine import Machine

_NAMES = ("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")


class ByTag(Bug):
    """Says `--resolve-image never`."""

    changes = (('            "always",\n', '            "never",\n'),)

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """Names that images got on the way go with the run: what pulls by digest gives none."""
        before = self._names(machine)
        try:
            with super().around(machine) as seen:
                yield seen
        finally:
            for name in sorted(self._names(machine) - before):
                machine.executor.run(["docker", "image", "rm", name])  # what is in use stays

    def _names(self, machine: Machine) -> set[str]:
        listed = machine.executor.run(_NAMES).check().text.split()
        return {name for name in listed if "<none>" not in name}
