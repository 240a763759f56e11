"""Competing pruners: whatever else on the host removes images.

Units, cron and containers are looked at by a module each; here their findings become one audit.
"""

from ccci_host.facts import pruning_containers, pruning_cron, pruning_units
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.pruner import Audit


def parse_pruners(answers: Answers) -> Audit:
    """One audit from all sources."""
    units = pruning_units.pruning_units(answers)
    audits = (
        units,
        pruning_cron.pruning_cron(answers, units.pruners),
        pruning_containers.pruning_containers(answers),
    )
    return Audit(
        pruners=tuple(pruner for audit in audits for pruner in audit.pruners),
        unreadable=tuple(reason for audit in audits for reason in audit.unreadable),
    )


PRUNERS = Fact(
    "pruners",
    (*pruning_units.PROBES, *pruning_cron.PROBES, *pruning_containers.PROBES),
    parse_pruners,
)
