"""All steps, in the order that they ask for."""

import pkgutil
from graphlib import TopologicalSorter
from importlib import import_module

import ccci_host.steps
from ccci_host.steps.step import Step


def all_steps() -> tuple[Step, ...]:
    """Every module's `STEP`, each after those that it names; else by name."""
    modules = [import_module(f"{ccci_host.steps.__name__}.{found.name}") for found in _modules()]
    return ordered([module.STEP for module in modules if hasattr(module, "STEP")])


def ordered(steps: list[Step]) -> tuple[Step, ...]:
    """`steps`, each after those that it names; else by name. A name that no step has is a `KeyError`."""
    by_name = {step.name: step for step in sorted(steps, key=lambda step: step.name)}
    sorter = TopologicalSorter({step.name: step.after for step in by_name.values()})
    return tuple(by_name[name] for name in sorter.static_order())


def _modules() -> list[pkgutil.ModuleInfo]:
    found = pkgutil.iter_modules(ccci_host.steps.__path__)
    return [module for module in found if not module.name.endswith("_remote")]
