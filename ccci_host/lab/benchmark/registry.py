"""Finds what is measured: a module of this package with a function `measure(lab)` that gives figures."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache

from ccci_host.errors import UsageError
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.lab import Lab
from ccci_host.progress import doing

Measure = Callable[[Lab], Sequence[Figure]]


def measure_all(lab: Lab, names: Sequence[str] = ()) -> tuple[Figure, ...]:
    """The figures of the measurements called `names`, of all when none is named.

    Raises `UsageError` for a name that there is not, and what a measurement raises.
    """
    known = _known()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"There is no measurement {unknown[0]!r}.", resolution=f"Choose from {', '.join(known)}."
        )
    found: list[Figure] = []
    for name in names or known:
        with doing(f"measuring {name}"):
            found += known[name](lab)
    return tuple(found)


@cache
def _known() -> dict[str, Measure]:
    package = importlib.import_module(__package__)
    modules = {
        found.name: importlib.import_module(f"{__package__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
        if not found.name.endswith("_remote")
    }
    return {
        name.replace("_", "-"): module.measure
        for name, module in sorted(modules.items())
        if hasattr(module, "measure")
    }
