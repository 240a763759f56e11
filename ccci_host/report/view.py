"""Gathers what a report shows from a history. Nothing is judged here."""

from ccci_host.checks import Judgement
from ccci_host.checks.reading import began
from ccci_host.records import History, PhaseEnded
from ccci_host.report import words
from ccci_host.report.about import not_shown, notes, provenance
from ccci_host.report.boots import boot_rows, reboot_line
from ccci_host.report.controls import controls
from ccci_host.report.figures import figures
from ccci_host.report.images import image_rows
from ccci_host.report.model import CycleView, View
from ccci_host.report.protection import protection
from ccci_host.report.timeline import timeline
from ccci_host.report.traffic import both_sides, stretch_row

GROUPS = (
    ("PC3", "PC3 · proven"),
    ("reboot", "Across the reboot"),
    ("PC1", "PC1 · conservative prune"),
    ("PC2", "PC2 · retained and authenticated"),
    ("run", "The run itself"),
)


def view(history: History, judgement: Judgement) -> View:
    """Gather what the report shows. Whatever a history lacks is a dash, never an error."""
    groups = tuple(
        (title, tuple(item for item in judgement.findings if item.pc == pc and item.verdict is not None))
        for pc, title in GROUPS
    )
    aside = _cycle(history, 0)
    return View(
        title=words.TASKS.get(judgement.task, judgement.task),
        judgement=judgement,
        groups=tuple((title, findings) for title, findings in groups if findings),
        figures=figures(history),
        cycles=tuple(_cycle(history, number) for number in history.cycles),
        aside=aside if aside.stretches else None,
        controls=controls(history),
        protection=protection(history),
        not_shown=not_shown(history, judgement),
        provenance=provenance(history, judgement),
        notes=notes(history),
    )


def _cycle(history: History, number: int) -> CycleView:
    ended = [
        record for record in history.of(PhaseEnded) if record.cycle == number and record.phase != "preflight"
    ]
    asked, problem = both_sides(history, number)
    return CycleView(
        number=number,
        redeploys=began(history, "redeploy", number),
        timeline=timeline(history, number),
        stretches=tuple(stretch_row(history, record) for record in ended),
        images=image_rows(history, number),
        requests=asked,
        request_problem=problem,
        boots=boot_rows(history, number),
        reboot=reboot_line(history, number),
    )
