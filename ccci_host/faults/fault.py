"""What a fault is: harm done on purpose, which some check must answer for.

A fault proves that it bit: it was absent, is injected, is present; and it takes back exactly what it added,
however the run in between ended. It names the verdict that it must produce and the check that must produce
it. A module of this package with a name `FAULT` registers it.
"""

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Literal, Protocol

from ccci_host.errors import HostError, RefusedError
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

Point = Literal["start", "teardown", "reboot", "redeploy", "controls"]
"""When a fault is injected: before the experiment, or before one of its phases."""


class Fault(Protocol):
    """One kind of harm."""

    @property
    def name(self) -> str:
        """As `verify --faults NAME` calls it."""
        ...

    @property
    def task(self) -> str:
        """The task whose experiment must answer for it."""
        ...

    @property
    def point(self) -> Point:
        """When it is injected."""
        ...

    @property
    def expected(self) -> Verdict:
        """The verdict that it must produce."""
        ...

    @property
    def check(self) -> str:
        """The check that must produce it."""
        ...

    def inject(self, machine: Machine) -> None:
        """Do the harm."""
        ...

    def is_present(self, machine: Machine) -> bool:
        """Whether the harm is done, by looking at the host and not at what was asked of it."""
        ...

    def revert(self, machine: Machine) -> None:
        """Take back exactly what `inject` added. Safe when nothing, or only a part, was added."""
        ...


@contextmanager
def injected(fault: Fault, machine: Machine) -> Iterator[None]:
    """Within it the fault is present; before and after it is not.

    Raises `RefusedError` on a host that is not disposable, `HostError` for a fault that was there already,
    that did not bite, or that could not be taken back.
    """
    if not machine.config.disposable:
        raise RefusedError(
            f"No fault is injected into {machine.instance.where}.",
            resolution=f"Faults need `disposable = true` under [host.{machine.name}] in ccci.toml.",
        )
    if fault.is_present(machine):
        raise HostError(f"The fault {fault.name} is on {machine.instance.where} before it was injected.")
    try:
        fault.inject(machine)
        if not fault.is_present(machine):
            raise HostError(f"The fault {fault.name} did not bite on {machine.instance.where}.")
        yield
    finally:
        fault.revert(machine)


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault, by name."""
    package = import_module(__package__)
    modules = [
        import_module(f"{__package__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    return tuple(sorted((module.FAULT for module in modules if hasattr(module, "FAULT")), key=_name))


def _name(fault: Fault) -> str:
    return fault.name
