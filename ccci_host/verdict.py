"""Three answers in one ordering: PASS < UNKNOWN < FAIL.

No evidence is never PASS: the worst of nothing is UNKNOWN. The ordering and the treatment of an
exception inside a check as UNKNOWN follow Jepsen's checker.
"""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a history shows."""

    PASS = "PASS"  # noqa: S105 - the word, not a password
    UNKNOWN = "UNKNOWN"
    FAIL = "FAIL"

    @property
    def severity(self) -> int:
        """0 for PASS, 1 for UNKNOWN, 2 for FAIL."""
        return _ORDER.index(self)

    @property
    def exit_code(self) -> int:
        """0 for PASS, 1 for FAIL, 2 for UNKNOWN; 3 is for runs that gave no verdict at all."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 2}[self]


_ORDER = (Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL)

COULD_NOT_RUN = 3
"""Exit code of a run that gave no verdict: configuration, arguments, unreachable host, anything uncaught."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe of `verdicts`; UNKNOWN when there are none."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.UNKNOWN)
