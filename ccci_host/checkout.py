"""The checkout that the suite runs from, and where the files lie that it keeps there."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds `tasks.py`: the suite is used from a checkout."""

DOCS = ROOT / "docs"

MACHINE_DOCS = ROOT / "machine-docs"

EVIDENCE = MACHINE_DOCS / "evidence"
"""Where runs are kept unless somebody says otherwise: in the checkout that they are about."""

FAULT_RUNS = MACHINE_DOCS / "faults"
"""The same for runs in which a fault was injected: not among the evidence, which they are not."""

FAULT_ROWS = MACHINE_DOCS / "faults.json"
"""What each fault came to when it was tried last: see `fault_table`."""
