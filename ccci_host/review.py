"""The Adversary's word on a run, in REVIEW-2pc.md: `RUN: PASS SHA256`, or `PASS: RUN SHA256`, on a line.

The SHA-256 is that of the history which was reviewed: a name alone would also fit whatever is put in the
folder later. Nothing here can tell who wrote a line. What it says must be beyond doubt: the last line that
names the run counts, and whatever is not plainly a PASS takes an earlier one back. So does a line that nobody
sees on the page, that is struck, or that is quoted as code: a comment, an example, what a terminal said.
"""

import re

from ccci_host import asides
from ccci_host.generated import without_part

PART = "review"
"""The generated part of the file; what stands in it is nobody's word."""

_LINK_TARGET = re.compile(r"\]\([^)]*\)")
_LEADING = " \t>#*-+|`_["
_BETWEEN = r"[\s:=|*`_\[\]()–—-]+"
_END = r"(?![\w-])\s*(?:$|[.,;:!|*`_\])(–—]|- |[0-9a-f]{64}\b)"
"""After the words: nothing, or a remark that is set apart. `PASS withheld` and `PASS?` are no PASS."""
_OTHERWISE = re.compile(r"\b(?:FAIL|UNKNOWN)\b")
"""`PASS|FAIL` is a form that nobody has filled in."""
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")


def last_word(text: str, run: str) -> str | None:
    """The last line of people's words in `text` that names `run`; None when nobody does."""
    named = re.compile(rf"(?<![\w-]){re.escape(run)}(?![\w-])")
    lines = [line.strip() for line in asides.lines(without_part(text, PART)) if named.search(line)]
    return lines[-1] if lines else None


def pass_line(run: str, history_sha256: str) -> str:
    """The line that says so."""
    return f"{run}: PASS {history_sha256}"


def is_pass(line: str, run: str, history_sha256: str) -> bool:
    """Whether `line` says that `run` passed, and by the SHA-256 of its history and no other."""
    return says_pass(line, run) and set(_SHA256.findall(line)) == {history_sha256}


def says_pass(line: str, run: str) -> bool:
    """Whether `line` says so of the run's name, whatever history it means."""
    name = re.escape(run)
    said = _LINK_TARGET.sub("]", line).lstrip(_LEADING)
    plain = re.match(rf"(?:{name}{_BETWEEN}PASS|PASS{_BETWEEN}{name}){_END}", said)
    return plain is not None and _OTHERWISE.search(said) is None
