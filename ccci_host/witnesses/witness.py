"""What a witness is, and how the ones that there are get found.

A witness collects one kind of evidence and judges nothing. It knows no other witness. One that cannot look
says so in its record; it raises nothing but `UnreachableError`, when the whole machine is out of reach.

A module of this package with a name `WITNESS` registers it. A witness of moments looks once; a witness of
stretches marks the beginning and answers at the end.
"""

import pkgutil
from importlib import import_module
from typing import Protocol, runtime_checkable

from ccci_host.records import Event, Moment, Phase
from ccci_host.transport.machine import Machine


@runtime_checkable
class MomentWitness(Protocol):
    """Looks once, at the moments that it names."""

    @property
    def moments(self) -> frozenset[Moment]:
        """When it wants to look."""
        ...

    def look(self, machine: Machine, moment: Moment, cycle: int) -> Event:
        """What is so now. Changes nothing."""
        ...


class Stretch(Protocol):
    """A stretch that is being counted."""

    def end(self, phase: Phase, cycle: int) -> Event:
        """What happened since it began."""
        ...


@runtime_checkable
class StretchWitness(Protocol):
    """Counts what happens between two points."""

    def begin(self, machine: Machine) -> Stretch:
        """Mark this point."""
        ...


def moment_witnesses() -> tuple[MomentWitness, ...]:
    """Every registered witness of moments, in the order of their modules' names."""
    return tuple(witness for witness in _registered() if isinstance(witness, MomentWitness))


def stretch_witnesses() -> tuple[StretchWitness, ...]:
    """Every registered witness of stretches, in the order of their modules' names."""
    return tuple(witness for witness in _registered() if isinstance(witness, StretchWitness))


def _registered() -> list[object]:
    package = import_module(__package__)
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = (import_module(f"{__package__}.{name}") for name in names if not name.endswith("_remote"))
    return [module.WITNESS for module in modules if hasattr(module, "WITNESS")]
