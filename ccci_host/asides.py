"""What of a Markdown text is nobody's word: comments, code and struck words, where there is any doubt too.

This is no parser of Markdown: it knows no lists, so it cannot always say where a block of code ends. Such a
block, and whatever else is never closed, runs to the end of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ASIDE = "(a comment, code or struck) "
"""Stands before each of them."""

_LINE_END = re.compile(r"\r\n?|\n")
_INDENTED = re.compile(r"(?:[>*+-]| {1,3}(?! ))* {4}")
"""Code, behind the mark of a list or a quotation too; somebody's paragraph at times, which does not show."""
_FENCE = re.compile(r"(?P<before>(?:[ >]|[-*+] |\d{1,9}[.)] )*)(?P<mark>`{3,}|~{3,})(?P<more>.*)")
_BEGINS = re.compile(
    r"(?<![\\`])(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)"
    r"|(?P<comment><!--)|<(?P<element>pre|code|del|strike|s)(?=[\s/>]|$)",
    re.IGNORECASE,
)
"""In a span of code nothing begins."""
_COMMENT_END = re.compile("-->")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True)
class _Fence:
    """The mark that began a block of code."""

    mark: str
    column: int
    quotes: int

    def after(self, line: str) -> "_Fence | None":
        """The fence that holds behind `line`: this one, none, or one that nothing ends."""
        left = re.sub(rf"((?: *>){{0,{self.quotes}}} *).*", r"\1", line, flags=re.DOTALL)
        column, rest = len(left), line[len(left) :].rstrip()
        if left.count(">") < self.quotes or (rest and column < self.column):
            return _ENDLESS  # a list or a quotation may have ended here, and the block with it
        if not rest.startswith(self.mark) or rest.strip(self.mark[0]):
            return self
        if column == self.column or (self.column == 0 and column < 4):
            return None
        return _ENDLESS if self.column else self


_ENDLESS = _Fence("\n", 0, 0)


def set_apart(text: str) -> Iterator[str]:
    """The lines of `text`, with `ASIDE` before whatever of a line is aside."""
    fence: _Fence | None = None
    end: re.Pattern[str] | None = None
    for line in _LINE_END.split(text):
        plain = line.expandtabs(4)
        began = fence
        if fence is not None:
            fence = fence.after(plain)
        elif end is None:
            fence = _begun(plain)
        if began or fence:
            yield ASIDE + line
            continue
        seen, end = _seen(line, end)
        yield ASIDE + seen if _INDENTED.match(plain) else seen


def _begun(line: str) -> _Fence | None:
    found = _FENCE.match(line)
    if found is None or (found["mark"][0] == "`" and "`" in found["more"]):
        return None
    return _Fence(found["mark"], len(found["before"]), found["before"].count(">"))


def _seen(line: str, end: re.Pattern[str] | None) -> tuple[str, re.Pattern[str] | None]:
    """`line` with its asides marked, where `end` is to come first; and what is to come in the next line.

    A SHA-256 in an aside is no part of what the line says.
    """
    parts, at = [], 0
    while True:
        if end is not None:
            found = end.search(line, at)
            stop = len(line) if found is None else found.end()
            parts.append(ASIDE + _SHA256.sub("…", line[at:stop]))
            if found is None:
                return "".join(parts), end
            at = stop
        begin = next((one for one in _BEGINS.finditer(line, at) if not one["ticks"]), None)
        if begin is None:
            return "".join((*parts, line[at:])), None
        parts.append(line[at : begin.start()])
        at = begin.start()
        element = begin["element"]
        end = re.compile(rf"</{element}\s*>", re.IGNORECASE) if element else _COMMENT_END
