"""What every test takes: `./ccci test` in a clean clone without a lab, and in the same clone again."""

from collections.abc import Sequence

from ccci_host.lab.benchmark.clean_clone import clean_clone
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.lab import Lab

ONLY_BY_NAME = True
"""It may take an hour."""
COLD, WARM = 900.0, 300.0
"""The budgets, in seconds."""
TIMEOUT = 7200.0


def measure(lab: Lab) -> Sequence[Figure]:
    """Both, each once."""
    with clean_clone(lab) as clone:
        cold = clone.seconds("test", timeout=TIMEOUT)
        warm = clone.seconds("test", timeout=TIMEOUT)
    where = f"once, in a clean clone of {clone.commit}"
    return [
        Figure("./ccci test, cold", cold, COLD, "s", f"{where}: no .venv, no lab; Debian packages are there"),
        Figure("./ccci test, warm", warm, WARM, "s", f"{where}: the second time"),
    ]
