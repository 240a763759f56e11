"""How the tests of checks put a history to one check."""

from ccci_host.checks import Finding, all_checks
from ccci_host.records import History
from ccci_host.verdict import Verdict

ASKED = ("history", "verdict", "reason", "todo", "details")
"""What a table of histories and answers has for columns."""


def finding(name: str, history: History) -> Finding:
    """What the check called `name` says about `history`."""
    [item] = [item for item in all_checks() if item.name == name]
    return item.find(history)


def said(name: str, history: History) -> tuple[Verdict | None, str, str, tuple[str, ...]]:
    """All of that which a person reads: verdict, reason, what to do, details."""
    found = finding(name, history)
    return found.verdict, found.reason, found.todo, found.details
