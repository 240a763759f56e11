"""The figures as a part of docs/operations.md."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from ccci_host.generated import refresh
from ccci_host.lab.benchmark.figure import Figure

PART = "benchmark"
PAGE = "operations.md"


def record(figures: Sequence[Figure], docs: Path, day: date | None = None) -> None:
    """Write the table of `figures` into the page in the folder `docs`, in place of the one before."""
    refresh(docs / PAGE, PART, page(figures, day or datetime.now(UTC).date()))


def page(figures: Sequence[Figure], day: date) -> str:
    """Markdown: a row a figure, with the day."""
    return "\n".join(
        [
            f"Measured on {day.isoformat()} by `./ccci benchmark --record`:",
            "",
            "| what | measured | budget | | how |",
            "|---|--:|--:|---|---|",
            *(f"| {' | '.join(figure.cells)} |" for figure in figures),
        ]
    )
