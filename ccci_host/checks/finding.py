"""What a check answers: a verdict, one plain sentence, and what to do about it."""

import re

from ccci_host.records import Record
from ccci_host.verdict import Verdict

_OBEYED = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ud800-\\udfff]"
)
"""Characters that move a cursor, turn a line around or break it, and show nothing themselves."""


class Finding(Record):
    """The answer of one check about one history."""

    check: str
    pc: str
    """The part of the definition of done that it belongs to."""
    verdict: Verdict | None
    """None when the question does not arise here: it is then listed among what was not shown."""
    reason: str
    """One sentence, naming images, services, units."""
    details: tuple[str, ...] = ()
    todo: str = ""
    """What the operator does about it; empty where nothing needs doing."""


class Answer(Record):
    """A `Finding` before it is known whose it is; what the function of a check returns."""

    verdict: Verdict | None
    reason: str
    details: tuple[str, ...] = ()
    todo: str = ""


ANOTHER_RUN = "Run the task again; the report says which witness is missing."


class NoEvidenceError(Exception):
    """A check misses what it decides by. It ends as UNKNOWN, with this reason."""

    def __init__(self, reason: str, *, todo: str = ANOTHER_RUN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.todo = todo


def printable(text: str) -> str:
    """`text` without what a terminal or a page would obey: each by its code, but for tabs and ends of lines.

    What a harness, a registry or a label says is quoted, and must not write over a verdict.
    """
    return _OBEYED.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def one_sentence(reason: str) -> tuple[str, tuple[str, ...]]:
    """`reason` as one line that ends as a sentence does, and the further lines of what it quotes.

    Reasons quote errors, and an error may have many lines, of which the first says what happened.
    """
    first, *more = [line.strip() for line in reason.splitlines() if line.strip()] or ["No reason was given."]
    first += ")" * (first.count("(") - first.count(")"))
    closing = ")" * (len(first) - len(first.rstrip(").")) - first[len(first.rstrip(").")) :].count("."))
    return f"{first.rstrip(').')}{closing}.", tuple(more)


def passed(reason: str, *details: str) -> Answer:
    """The history shows it."""
    return Answer(verdict=Verdict.PASS, reason=reason, details=details)


def unknown(reason: str, *details: str, todo: str) -> Answer:
    """The history shows neither."""
    return Answer(verdict=Verdict.UNKNOWN, reason=reason, details=details, todo=todo)


def failed(reason: str, *details: str, todo: str) -> Answer:
    """The history shows the contrary."""
    return Answer(verdict=Verdict.FAIL, reason=reason, details=details, todo=todo)


def not_shown(reason: str) -> Answer:
    """The question could not be put on this host, and the report says so."""
    return Answer(verdict=None, reason=reason)
