"""What deploys: said, and where that is a harness, what of it can be seen beforehand. Changes nothing."""

from ccci_host.facts.abra import ABRA, RELIED_ON, Abra
from ccci_host.facts.answers import Unreadable
from ccci_host.facts.collector import Facts
from ccci_host.steps.step import Plan, Step, Wanted


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """Nothing to change; a warning where abra is not as we read it to be."""
    found = facts[ABRA]
    described = wanted.config.command is not None
    why = "a harness is described, for the deployer command" if described else "no harness is described"
    if isinstance(found, Unreadable):
        return Plan(why, warnings=(f"abra is on the PATH and does not say what it is: {found.reason}",))
    if not isinstance(found, Abra):
        return Plan(f"{why}; there is no abra on the PATH")
    if not found.missing:
        return Plan(f"{why}; abra {found.version} has the flags that the example of ccci.toml uses")
    missing = ", ".join(f"{flag} ({RELIED_ON[flag]})" for flag in found.missing)
    return Plan(
        f"{why}; abra {found.version} is on the PATH",
        warnings=(
            f"`abra app deploy --help` does not show {missing}: compare your commands with what it shows.",
        ),
    )


STEP = Step("harness", after=("ssh",), facts=lambda _: (ABRA,), plan=plan)
