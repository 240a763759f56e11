"""Faults in the stand-in for Docker Hub, through its control door."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from ccci_host.errors import RefusedError
from ccci_host.faults import Fault
from ccci_host.lab.hub import Fault as Harm
from ccci_host.lab.hub import Hub
from ccci_host.lab.lab import Lab
from ccci_host.transport.machine import Machine


def is_of_the_lab(machine: Machine) -> bool:
    """Whether the machine pulls from the stand-in of this machine's lab: by the log that it names."""
    registry = machine.config.registry
    return registry is not None and registry.access_log == Lab.default().hub.access_log


class HubFault(Fault):
    """Has the stand-in at hand."""

    def __init__(self) -> None:
        self.hub: Hub = Lab.default().hub

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """Raises `RefusedError` for a host that pulls from elsewhere."""
        if not is_of_the_lab(machine):
            raise RefusedError(
                f"{machine.instance.where} does not pull from the lab's registry.",
                resolution="Name faults that need no registry of ours, or a host of the lab.",
            )
        self.hub = Lab.default().hub
        yield machine


class RegistryFault(HubFault):
    """Puts one line into the stand-in's table of faults."""

    harm: ClassVar[Harm]

    def __init__(self) -> None:
        super().__init__()
        self._number: int | None = None
        self._bites = 0

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Put it in force."""
        self._bites = 0
        self._number = self.hub.control.inject(self.harm)

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether it is in force; that a request met it, `bit` says."""
        return self._number is not None

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Withdraw it."""
        if self._number is not None:
            self._bites += self.hub.control.withdraw(self._number)
            self._number = None

    def bit(self) -> bool:
        """Whether a request met it."""
        now = self.hub.control.bitten(self._number) if self._number is not None else 0
        return self._bites + now > 0
