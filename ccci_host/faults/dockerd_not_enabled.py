"""dockerd runs, and no boot will start it: neither the service nor the socket is enabled."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine

UNITS = ("docker.service", "docker.socket")


class DockerdNotEnabled(Fault):
    """Disables dockerd's units without stopping them."""

    name = "dockerd-not-enabled"
    task = "reboot-and-redeploy"
    check = "came-back"
    wishes = {"boot_timeout": 25.0}  # noqa: RUF012 - a mapping, never written to

    def inject(self, machine: Machine) -> None:
        """Disable both."""
        machine.executor.run(["systemctl", "disable", *UNITS]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether systemd says of both that they are not enabled."""
        said = machine.executor.run(["systemctl", "is-enabled", *UNITS]).text
        return said.split() == ["disabled", "disabled"]

    def revert(self, machine: Machine) -> None:
        """Enable both, and start them."""
        machine.executor.run(["systemctl", "enable", "--now", *UNITS], timeout=120).check()


FAULT = DockerdNotEnabled()
