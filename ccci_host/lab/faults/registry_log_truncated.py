"""The registry's log truncated while the redeploy goes on. Two witnesses are left, one of them outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccci_host.faults.aside import ASIDE, PART
from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class RegistryLogTruncated(HubFault):
    """Empties the log that the configuration names; what it held is put back before what came since."""

    name = "registry-log-truncated"
    task = "verify-pc3"
    point = ("amid", "redeploy")
    until = ("before", "final-teardown")
    expected = Verdict.PASS
    check = "layers-from-local-store"

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """What a killed run put aside goes back first. Raises as `HubFault.around` does."""
        with super().around(machine):
            self.revert(machine)
            yield machine

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Empty it, once what it holds is in a file beside it."""
        content = self.hub.access_log.read_bytes()
        self._put_aside(content)
        self.hub.access_log.write_bytes(b"")

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether it is shorter than it was."""
        return self._aside.exists() and self.hub.access_log.stat().st_size < self._aside.stat().st_size

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Put back what it held; the file beside it goes when all of it is in the log."""
        if not self._aside.exists():
            return
        held, since = self._aside.read_bytes(), self.hub.access_log.read_bytes()
        if not since.startswith(held):
            whole = held if held.endswith(since) else held + since  # joined by a run that was killed then
            self._put_aside(whole)
            self.hub.access_log.write_bytes(whole)
        self._aside.unlink()

    @property
    def _aside(self) -> Path:
        return self.hub.access_log.with_name(self.hub.access_log.name + ASIDE)

    def _put_aside(self, content: bytes) -> None:
        """Whole, or not at all."""
        part = self.hub.access_log.with_name(self.hub.access_log.name + PART)
        part.write_bytes(content)
        part.replace(self._aside)


FAULT = RegistryLogTruncated()
