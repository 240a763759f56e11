"""The PAT readable by everybody: a mode that was changed by hand."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class PatReadable(Fault):
    """Opens docker's configuration file, which holds the PAT."""

    name = "pat-readable"
    task = "verify-pc2"
    check = "credential-in-place"
    because = "Others can read"

    def inject(self, machine: Machine) -> None:
        """Let others read it."""
        machine.executor.run(["chmod", "0644", machine.config.hub.docker_config]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether others may read it."""
        argv = ["stat", "--format=%a", machine.config.hub.docker_config]
        return int(machine.executor.run(argv).check().text, 8) & 0o077 != 0

    def revert(self, machine: Machine) -> None:
        """Close it again, as provisioning left it."""
        machine.executor.run(["chmod", "0600", machine.config.hub.docker_config]).check()


FAULT = PatReadable()
