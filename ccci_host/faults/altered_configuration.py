"""Faults in what the configuration says, and the run believes."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ccci_host.config import HostTable
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine


class AlteredConfiguration(Fault):
    """The run is told another configuration than the host's."""

    def __init__(self) -> None:
        self._told = False

    @abstractmethod
    def altered(self, config: HostTable) -> HostTable:
        """What it is told."""

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """The machine with that configuration."""
        yield replace(machine, config=self.altered(machine.config))

    def inject(self, machine: Machine) -> None:
        """It is told from the beginning."""
        self._told = self.altered(machine.config) != machine.config

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether that differs from what is so."""
        return self._told

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """The host's own configuration was never altered."""
        self._told = False
