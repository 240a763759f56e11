"""Nothing else on the host removes images. What does is named, and disabled only when that was asked for."""

from ccci_host.facts.collector import Facts
from ccci_host.facts.pruner import Pruner
from ccci_host.facts.pruners import PRUNERS
from ccci_host.steps.operations import RunCommand
from ccci_host.steps.step import Change, Plan, Step, Wanted


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """The active pruners as problems, or as changes with `disable_pruners`."""
    audit = facts[PRUNERS]
    can_stop = [pruner for pruner in audit.active if pruner.stop] if wanted.disable_pruners else []
    problems = [
        *(_problem(pruner) for pruner in audit.active if pruner not in can_stop),
        *(f"could not look for pruners: {reason}" for reason in audit.unreadable),
    ]
    asleep = [pruner.summary for pruner in audit.pruners if not pruner.active]
    if audit.active:
        count = len(audit.active)
        why = f"{count} competing pruner{'s' if count > 1 else ''} on the host"
        left = count - len(can_stop)
        if can_stop and left:
            why += f", {left} of them left to you"
    elif problems:
        why = "competing pruners cannot be ruled out"
    else:
        why = "no unit, cron line, container or service removes images" + (" by itself" if asleep else "")
    return Plan(
        why,
        tuple(change for pruner in can_stop for change in _changes(pruner)),
        warnings=tuple(asleep),
        problems=tuple(problems),
    )


def _problem(pruner: Pruner) -> str:
    left = "" if pruner.stop else "`--disable-pruners` leaves it to you. "
    return f"{pruner.summary}. {left}{pruner.remedy}"


def _changes(pruner: Pruner) -> list[Change]:
    return [Change(RunCommand(argv), f"{pruner.summary}: {_shown(pruner, argv)}") for argv in pruner.stop]


def _shown(pruner: Pruner, argv: tuple[str, ...]) -> str:
    """The command, or what a shell script does."""
    return pruner.remedy if argv[0] == "sh" else " ".join(argv)


STEP = Step("pruners", after=("agent", "hub-login", "swarm"), facts=lambda _: (PRUNERS,), plan=plan)
