"""Faults in docker's configuration: another entry for Docker Hub, or none."""

from importlib import resources
from typing import ClassVar

from ccci_host.facts.hub_login import HUB_KEY
from ccci_host.faults.aside import put_aside, put_back
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine

PROGRAM = (resources.files(__package__) / "login_remote.py").read_text()


class AlteredLogin(Fault):
    """Gives Docker Hub's entry another value for a while; the login itself does not leave the host."""

    auth: ClassVar[str | None]
    """Account and password, as `NAME:PASSWORD`; None for no entry. `{account}` is the host's own."""

    def inject(self, machine: Machine) -> None:
        """Put the file aside, and alter the entry."""
        put_aside(machine, machine.config.hub.docker_config)
        self._ask(machine, look=False)

    def is_present(self, machine: Machine) -> bool:
        """Whether the entry is the altered one."""
        return self._ask(machine, look=True)

    def revert(self, machine: Machine) -> None:
        """Put the file back, where it was put aside."""
        put_back(machine, machine.config.hub.docker_config)

    def _ask(self, machine: Machine, *, look: bool) -> bool:
        hub = machine.config.hub
        auth = self.auth.format(account=hub.account) if self.auth else None
        wanted = {"path": hub.docker_config, "key": HUB_KEY, "auth": auth, "look": look}
        return bool(machine.run_python(PROGRAM, wanted))
