"""Control: whether a pin that cannot resolve fails, although an older image is cached."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import name_of
from ccci_host.checks.registry import check
from ccci_host.records import History, PinControl


@check(
    pc="PC3",
    sentence="the kept cache does not hide a broken image: a pin that does not resolve still fails",
    witnesses=("swarm tasks",),
    tasks=("verify-pc3",),
    order=34,
)
def broken_pin_fails(history: History) -> Answer:
    """A task that runs in spite of it was served from the cache under a false name."""
    control = history.last(PinControl)
    if control is None or not control.ran or control.outcome in (None, "unclear"):
        why = (control.problem or control.error) if control else "the control was not reached"
        raise NoEvidenceError(f"It is not shown that a pin that does not resolve fails ({why or 'unclear'}).")
    if control.outcome == "ran":
        return failed(
            f"{name_of(control.reference)} cannot resolve, and a task ran all the same.",
            f"in the store all the while: {control.cached}",
            todo="Find what answers for the registry: dockerd's mirrors, prefer-offline, a proxy.",
        )
    return passed(
        f"A pin that does not resolve was refused, though {name_of(control.cached)} is cached.",
        control.error,
    )
