"""Control: whether a pin that cannot resolve fails, although an older image is cached."""

import re

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import name_of
from ccci_host.checks.registry import check
from ccci_host.records import History, PinControl

NO_SUCH_MANIFEST = 404
NOT_THERE = re.compile(r'manifest unknown|failed to resolve reference "([^"]+)": \1: not found')
"""What a registry says of what it does not have, in whatever words a daemon or a harness puts it; and what
containerd makes of it."""
PULL = "pull: "
"""How a line begins in which the daemon says why it could not pull."""


@check(
    pc="PC3",
    sentence="the kept cache does not hide a broken image: a pin that does not resolve still fails",
    witnesses=("swarm tasks",),
    tasks=("verify-pc3",),
    order=34,
)
def broken_pin_fails(history: History) -> Answer:
    """A task that has a container in spite of it was served from the cache under a false name.

    Refused is what the registry does not have and no task got a container for; a deploy may fail for other
    reasons too, and then shows nothing.
    """
    control = history.last(PinControl)
    if control is not None and (control.outcome == "ran" or control.started):
        return failed(
            f"{name_of(control.reference)} cannot resolve, and a task ran all the same.",
            *(f"it got a container: {task}" for task in control.started or ()),
            f"in the store all the while: {control.cached}",
            todo="Find what answers for the registry: dockerd's mirrors, prefer-offline, a proxy.",
        )
    if control is None or not control.ran or control.outcome in (None, "unclear"):
        why = (control.problem or control.error) if control else "the control was not reached"
        raise NoEvidenceError(f"It is not shown that a pin that does not resolve fails ({why or 'unclear'}).")
    if control.registry_status != NO_SUCH_MANIFEST:
        raise NoEvidenceError(
            "It is not shown that a pin that does not resolve fails: the registry answers "
            f"{control.registry_status or 'nothing'} for it, where it should answer {NO_SUCH_MANIFEST}."
        )
    if control.started is None or not _is_for_the_pin(control.error):
        raise NoEvidenceError(
            "It is not shown that a pin that does not resolve fails: the deploy failed, but not for it.",
            todo="Read the error of the control in the report, and mend what it names.",
        )
    return passed(
        f"A pin that does not resolve was refused, though {name_of(control.cached)} is cached.",
        control.error,
    )


def _is_for_the_pin(error: str) -> bool:
    """Whether it failed because the image is not there; swarm says `No such image` of any pull that fails."""
    pulls = [line for line in error.splitlines() if line.startswith(PULL)]
    if pulls:
        return all(NOT_THERE.search(line) for line in pulls)
    return NOT_THERE.search(error) is not None or "No such image" in error
