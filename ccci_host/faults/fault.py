"""What a fault is: harm done on purpose, which some check must answer for.

A fault proves that it bit: it was absent, is injected, is present; and it takes back exactly what it added,
however the run in between ended. It names the verdict that it must produce and the check that must produce
it: FAIL where images, authentication or protection are lost; UNKNOWN where only evidence is; PASS where
nothing is lost that counts, and the proof must not be shaken. A module of this package with a name `FAULT`
registers it.
"""

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from ccci_host.errors import HostError, RefusedError
from ccci_host.experiments.interrupts import PUTTING_BACK, postponed
from ccci_host.experiments.options import Point
from ccci_host.records import StoreKind
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

START: Point = ("before", "preflight")
"""Before the experiment begins."""


class Fault(ABC):
    """One kind of harm."""

    name: str
    """As `verify --faults NAME` calls it."""
    task: str
    """The task whose experiment must answer for it."""
    point: Point = START
    """When it is injected."""
    until: ClassVar[Point | None] = None
    """When it is taken back; None: at the run's end."""
    expected: ClassVar[Verdict] = Verdict.FAIL
    """The verdict that it must produce."""
    check: ClassVar[str]
    """The check that must produce it."""
    because: str = ""
    """Words that the check's reason must hold; empty where the verdict has one reason only."""
    stores: ClassVar[tuple[StoreKind, ...]] = ("classic", "containerd")
    """Where it does harm at all."""
    wishes: ClassVar[Mapping[str, Any]] = {}
    """Options of the run."""
    renews_containers: ClassVar[bool] = False
    """Whether dockerd starts anew for it, and with it everybody's containers."""
    stays: ClassVar[bool] = False
    """Whether it is something that was done, and nothing that could be taken back."""
    interrupts: ClassVar[bool] = False
    """Whether the run is to end in a `KeyboardInterrupt`."""

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """What there is besides the host while the run lasts; yields the machine as the run has it."""
        yield machine

    @abstractmethod
    def inject(self, machine: Machine) -> None:
        """Do the harm."""

    @abstractmethod
    def is_present(self, machine: Machine) -> bool:
        """Whether the harm is done, by looking at the host and not at what was asked of it."""

    @abstractmethod
    def revert(self, machine: Machine) -> None:
        """Take back exactly what `inject` added. Safe when nothing, or only a part, was added."""

    def bit(self) -> bool:
        """Whether the run met it; asked when the run is over."""
        return True

    def spoil(self, history: Path) -> None:  # noqa: B027 - most faults leave the history alone
        """Harm done to the history, before it is judged."""


@contextmanager
def injected(fault: Fault, machine: Machine) -> Iterator[None]:
    """Within it the fault is present; before and after it is not.

    Raises `RefusedError` on a host that is not disposable, `HostError` for a fault that was there already,
    that did not bite, or that could not be taken back. A wish to stop waits until it is taken back.
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
        with postponed(PUTTING_BACK):
            fault.revert(machine)
    if not fault.stays and fault.is_present(machine):
        raise HostError(
            f"The fault {fault.name} is still on {machine.instance.where}, after it was taken back."
        )


def all_faults(*packages: str) -> tuple[Fault, ...]:
    """Every registered fault of this package, and of `packages` that are like it, by name."""
    found: list[Fault] = []
    for name in (__package__, *packages):
        package = import_module(name)
        modules = [import_module(f"{name}.{one.name}") for one in pkgutil.iter_modules(package.__path__)]
        found += [module.FAULT for module in modules if hasattr(module, "FAULT")]
        found += [fault for module in modules for fault in getattr(module, "FAULTS", ())]
    return tuple(sorted(found, key=lambda fault: fault.name))
