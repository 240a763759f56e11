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

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """Its row of a table."""
        measured, budget = (f"{value:.3g} {self.unit}" for value in (self.measured, self.budget))
        return self.what, measured, budget, "" if self.is_within else "over", self.how

    def line(self) -> str:
        """Itself alone, for a person."""
        what, measured, budget, over, how = self.cells
        return f"{what}: {measured}, budget {budget}{over and f', {over}'} ({how})"


def table(figures: Sequence[Figure]) -> str:
    """A line a figure, for a person."""
    head = ("what", "measured", "budget", "", "how")
    rows = [head, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
