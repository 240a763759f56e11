"""Templates to text: `report.html`, one file that needs nothing else, and `report.md` for a terminal."""

import re
from collections.abc import Callable
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from ccci_host.checks import Judgement, printable
from ccci_host.records import History
from ccci_host.report import words
from ccci_host.report.view import view


def as_html(history: History, judgement: Judgement) -> str:
    """The report for a browser."""
    return _render("report.html.j2", history, judgement, None)


def as_markdown(history: History, judgement: Judgement) -> str:
    """The report for a terminal."""
    return _render("report.md.j2", history, judgement, _inline)


def _render(
    template: str, history: History, judgement: Judgement, finalize: Callable[[object], object] | None
) -> str:
    page = _environment(finalize).get_template(template)
    return printable(page.render(view=view(history, judgement), words=words, style=_text("style.css")))


@cache
def _environment(finalize: Callable[[object], object] | None) -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["prose"] = _prose
    return environment


def _inline(value: object) -> object:
    """What a line of Markdown quotes: it begins no line, heading or element of its own, nor hides the rest.

    What the template itself calls safe has lines and rows that are its own.
    """
    if isinstance(value, Markup):
        return value
    line = re.sub(r"\s*[\n\r]\s*", " ", str(value))
    return re.sub(r"^#|<(?!br>)(?=[A-Za-z/!?])", r"\\\g<0>", line)


def _cell(text: object) -> str:
    """Text for a cell of a Markdown table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def _prose(text: str) -> Markup:
    """Text for a browser, what stands between back-ticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _text(name: str) -> str:
    return (resources.files("ccci_host.report") / "templates" / name).read_text(encoding="utf-8")
