"""Finds what is measured: a module of this package with a function `measure(lab)` that gives figures.

One that takes very long says so by `ONLY_BY_NAME = True`, and is left out where no name is given.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from ccci_host.errors import UsageError
from ccci_host.lab.benchmark.figure import Figure, table
from ccci_host.lab.lab import Lab
from ccci_host.progress import doing, say

Measure = Callable[[Lab], Sequence[Figure]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, and the names of what was left out."""

    figures: tuple[Figure, ...]
    left_out: tuple[str, ...] = ()

    def to_text(self) -> str:
        """A line a figure, and one for what was left out."""
        left = f"Left out, for they take long: {', '.join(self.left_out)} (--only NAME)."
        return "\n".join([table(self.figures), *([left] if self.left_out else [])])


def measure_all(lab: Lab, names: Sequence[str] = ()) -> Measured:
    """The figures of the measurements called `names`; of all that may go unnamed when none is named.

    Raises `UsageError` for a name that there is not, and what a measurement raises; the figures of those
    before it have been said by then.
    """
    known = _known()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"There is no measurement {unknown[0]!r}.", resolution=f"Choose from {', '.join(known)}."
        )
    left_out = () if names else tuple(name for name, module in known.items() if _only_by_name(module))
    found: list[Figure] = []
    for name in names or [name for name in known if name not in left_out]:
        measure: Measure = known[name].measure
        with doing(f"measuring {name}"):
            figures = measure(lab)
        for figure in figures:
            say(figure.line())
        found += figures
    return Measured(tuple(found), left_out)


def _only_by_name(module: ModuleType) -> bool:
    return getattr(module, "ONLY_BY_NAME", False)


@cache
def _known() -> dict[str, ModuleType]:
    package = importlib.import_module(__package__)
    modules = {
        found.name: importlib.import_module(f"{__package__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
        if not found.name.endswith("_remote")
    }
    return {
        name.replace("_", "-"): module
        for name, module in sorted(modules.items())
        if hasattr(module, "measure")
    }
