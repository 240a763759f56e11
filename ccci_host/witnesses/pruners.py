"""What else on the host removes images: the audit of competing pruners, as it stands now."""

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.collector import collect
from ccci_host.facts.pruners import PRUNERS
from ccci_host.records import Moment, Pruner, PrunersSeen
from ccci_host.transport.machine import Machine


def look(machine: Machine, moment: Moment, cycle: int = 0) -> PrunersSeen:
    """Every competing pruner, active or not; what could not be looked at is a problem."""
    try:
        audit = collect(machine, PRUNERS)[PRUNERS]
    except (CommandFailedError, HostError) as error:
        return PrunersSeen(moment=moment, cycle=cycle, problem=str(error))
    return PrunersSeen(
        moment=moment,
        cycle=cycle,
        pruners=tuple(
            Pruner(
                name=found.name,
                where=f"{found.kind} {found.name}",
                command=found.command,
                active=found.active,
                remedy=found.remedy,
            )
            for found in audit.pruners
        ),
        problem="; ".join(audit.unreadable) or None,
    )
