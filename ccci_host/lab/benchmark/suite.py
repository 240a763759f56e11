"""What the tests take that need no lab: `./ccci test --unit`."""

from collections.abc import Sequence

from ccci_host.lab.benchmark.clean_clone import clean_clone
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.lab import Lab

BUDGET = 30.0
"""Seconds."""
TIMEOUT = 3600.0


def measure(lab: Lab) -> Sequence[Figure]:
    """The second run's time. The first makes `.venv` and the type checker's cache besides."""
    with clean_clone(lab) as clone:
        first = clone.seconds("test", "--unit", timeout=TIMEOUT)
        second = clone.seconds("test", "--unit", timeout=TIMEOUT)
    how = (
        f"the second time in a clean clone of {clone.commit}; the first, with .venv to be made: {first:.0f} s"
    )
    return [Figure("./ccci test --unit", second, BUDGET, "s", how)]
