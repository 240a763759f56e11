"""Control: whether a tag that moved upstream is pulled, in spite of the kept cache."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, not_shown, passed
from ccci_host.checks.reading import name_of
from ccci_host.checks.registry import check
from ccci_host.records import History, Started, TagControl


@check(
    pc="PC3",
    sentence="the kept cache does not hide a new image: a new digest is still pulled",
    witnesses=("swarm tasks",),
    tasks=("verify-pc3",),
    order=36,
)
def moved_tag_pulled(history: History) -> Answer:
    """Only where the registry is ours can a tag be moved; elsewhere the report says that it was not shown."""
    started = history.first(Started)
    control = history.last(TagControl)
    if started is not None and not started.registry_push and (control is None or not control.ran):
        return not_shown("That a moved tag is pulled was not shown: the registry is not ours to move one in.")
    if control is None or not control.ran or control.digest_ran is None:
        why = control.problem if control else "the control was not reached"
        raise NoEvidenceError(f"It is not shown that a moved tag is pulled ({why or 'no task ran'}).")
    if control.digest_before == control.digest_after:
        raise NoEvidenceError(f"{name_of(control.reference)} did not move, so the control shows nothing.")
    if control.digest_ran != control.digest_after:
        return failed(
            f"{name_of(control.reference)} moved to {control.digest_after}, and the redeploy ran "
            f"{control.digest_ran}.",
            todo="Find what answers for the registry: dockerd's mirrors, prefer-offline, a proxy.",
        )
    return passed(f"{name_of(control.reference)} moved upstream, and the redeploy ran its new digest.")
