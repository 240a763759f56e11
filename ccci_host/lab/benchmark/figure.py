"""A measured figure beside its budget."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One of them."""

    what: str
    measured: float
    budget: float
    unit: str
    how: str
    """How often and where it was measured, and what of that the figure is."""

    @property
    def is_within(self) -> bool:
        """Whether the budget is kept."""
        return self.measured <= self.budget


def table(figures: Sequence[Figure]) -> str:
    """A line a figure, for a person."""
    head = ("what", "measured", "budget", "", "how")
    rows = [head]
    for figure in figures:
        measured, budget = (f"{value:.3g} {figure.unit}" for value in (figure.measured, figure.budget))
        rows.append((figure.what, measured, budget, "" if figure.is_within else "over", figure.how))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
