"""Who else removes images from a host."""

from ccci_host.facts.collector import Facts, collect
from ccci_host.facts.pruner import Audit, Pruner
from ccci_host.facts.pruners import PRUNERS
from ccci_host.transport.machine import Machine


def audit(machine: Machine) -> Audit:
    """Look for pruners on `machine`, in one round trip; raises as `collect` does."""
    return collect(machine, PRUNERS)[PRUNERS]


def competing_pruners(facts: Facts) -> tuple[Pruner, ...]:
    """The active pruners among facts that hold `PRUNERS`.

    None says nothing where the audit has unreadable parts.
    """
    return facts[PRUNERS].active
