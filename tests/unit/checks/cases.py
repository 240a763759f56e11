"""How the tests of checks put a history to one check."""

from ccci_host.checks import Finding, all_checks
from ccci_host.records import History


def finding(name: str, history: History) -> Finding:
    """What the check called `name` says about `history`."""
    [item] = [item for item in all_checks() if item.name == name]
    return item.find(history)
