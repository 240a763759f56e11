"""abra, where it is on the host's PATH: its version, and whether it knows the flags that we rely on.

abra was never run for this suite (it is in no package registry at hand): what we rely on was read.
"""

import re
from dataclasses import dataclass

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import RunCommand

VERSION = RunCommand(("abra", "--version"))
DEPLOY_HELP = RunCommand(("abra", "app", "deploy", "--help"))

RELIED_ON = {"-n": "no questions", "-C": "a recipe as it stands", "-c": "no waiting of its own"}
"""Flags of `abra app deploy`, and what each is to mean."""


@dataclass(frozen=True, slots=True)
class Abra:
    """The abra of the host."""

    version: str
    missing: tuple[str, ...]
    """Flags that we rely on and that its help does not show."""


def parse(answers: Answers) -> Abra | Absent | Unreadable:
    """Read what it says of itself."""
    version, help_ = answers[VERSION], answers[DEPLOY_HELP]
    if isinstance(version, Absent) or isinstance(help_, Absent):
        return Absent()
    for answer in (version, help_):
        if isinstance(answer, Unreadable):
            return answer
    assert isinstance(version, Present)  # noqa: S101 - there is no fourth answer
    assert isinstance(help_, Present)  # noqa: S101 - likewise
    shown = set(re.findall(r"(?<![\w-])-\w(?!\w)", help_.text))
    return Abra(
        version=version.text.strip().removeprefix("abra version ") or "unknown",
        missing=tuple(flag for flag in RELIED_ON if flag not in shown),
    )


ABRA = Fact("abra", (VERSION, DEPLOY_HELP), parse)
