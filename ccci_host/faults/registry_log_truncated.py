"""The registry's log truncated while the redeploy goes on. Two witnesses are left, one of them outside."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class RegistryLogTruncated(Fault):
    """Empties the log that the configuration names; what it held is put back before what came since."""

    name = "registry-log-truncated"
    task = "verify-pc3"
    point = ("amid", "redeploy")
    until = ("before", "final-teardown")
    expected = Verdict.PASS
    check = "layers-from-local-store"

    def __init__(self) -> None:
        self._content = b""

    def inject(self, machine: Machine) -> None:
        """Empty it."""
        assert machine.config.registry is not None  # noqa: S101 - see is_present
        self._content = machine.config.registry.access_log.read_bytes()
        machine.config.registry.access_log.write_bytes(b"")

    def is_present(self, machine: Machine) -> bool:
        """Whether it is shorter than it was."""
        registry = machine.config.registry
        return registry is not None and registry.access_log.stat().st_size < len(self._content)

    def revert(self, machine: Machine) -> None:
        """Put back what it held."""
        if machine.config.registry is not None and self._content:
            log = machine.config.registry.access_log
            log.write_bytes(self._content + log.read_bytes())
            self._content = b""


FAULT = RegistryLogTruncated()
