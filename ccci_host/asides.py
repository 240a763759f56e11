"""What a reader of a Markdown text takes for somebody's words, and what not: comments, code, struck words."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

ASIDE = "(a comment, code or struck) "
"""Stands before each line that is an aside."""

_BLOCKS = ("fence", "code_block", "html_block")
_STRUCK = re.compile(r"<(?P<ends>/?)(?:pre|code|del|strike|s)(?=[\s/>]|$)", re.IGNORECASE)
_BREAKS = ("softbreak", "hardbreak")


def lines(text: str) -> Iterator[str]:
    """The lines of `text` as CommonMark shows them, in order, and `ASIDE` before each that is one.

    An element that strikes its words, or makes them code, holds until it is closed, and else to the end.
    """
    reader = _Reader()
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "inline":
            yield from reader.paragraph(token.children or [])
        elif token.type in _BLOCKS:
            yield from (ASIDE + line for line in token.content.splitlines())
            if token.type == "html_block":
                reader.pass_html(token.content)


class _Reader:
    """Reads on from one block to the next, since an element may span them."""

    def __init__(self) -> None:
        self.struck = 0
        """How many elements are open that make an aside of what is in them."""

    def pass_html(self, html: str) -> None:
        """Count the elements that begin and end in `html`, unless it is a comment."""
        if html.lstrip().startswith("<!--"):
            return
        for mark in _STRUCK.finditer(html):
            self.struck = max(0, self.struck + (-1 if mark["ends"] else 1))

    def paragraph(self, parts: list[Token]) -> Iterator[str]:
        """The lines of a paragraph; of one that is half an aside, both halves."""
        plain, aside = "", ""
        for part in [*parts, Token("softbreak", "", 0)]:
            if part.type in _BREAKS:
                yield from (line for line in (plain, ASIDE + aside) if line not in ("", ASIDE))
                plain, aside = "", ""
            elif part.type == "html_inline":
                self.pass_html(part.content)
                aside += part.content
            elif self.struck:
                aside += part.content
            else:
                plain += f"`{part.content}`" if part.type == "code_inline" else part.content
