"""The report of a run: the same for a browser and for a terminal, made from the history and its judgement."""

from ccci_host.report.render import as_html, as_markdown

__all__ = ["as_html", "as_markdown"]
