"""Whether anything else on the host prunes images."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import listed
from ccci_host.checks.registry import check
from ccci_host.prune_words import removal_words
from ccci_host.records import Deployed, History, PrunersSeen, TornDown


@check(
    pc="PC1",
    sentence="no `-af` anywhere in harness, janitor or CI: the agent is the only thing that deletes images",
    witnesses=("pruner audit",),
    tasks=("verify-pc1",),
    order=14,
)
def no_competing_pruner(history: History) -> Answer:
    """Units, timers, cron lines and janitor containers; one that is active at any look is a FAIL.

    So is a command of the run's own harness, whether or not an image went with it this time.
    """
    harness = _of_the_harness(history)
    if harness:
        return failed(
            f"The harness itself removes images: {listed(f'`{command}`' for command in harness)}.",
            todo="Take the command out of the harness; the agent alone deletes images.",
        )
    looks = history.of(PrunersSeen)
    active = {pruner.where: pruner for seen in looks for pruner in seen.pruners if pruner.active}
    if active:
        return failed(
            f"Also prunes images on this host: {listed(pruner.name for pruner in active.values())}.",
            *(f"{pruner.where}: {pruner.command}" for pruner in active.values()),
            todo=" ".join(dict.fromkeys(pruner.remedy for pruner in active.values() if pruner.remedy))
            or "Disable it, or run `invoke provision --disable-pruners`.",
        )
    unread = [seen.problem for seen in looks if seen.problem]
    if unread or not looks:
        raise NoEvidenceError(
            f"Whether anything else prunes is not known: {unread[0] if unread else 'nobody looked'}."
        )
    idle = {pruner.where: pruner for seen in looks for pruner in seen.pruners}
    return passed(
        "Nothing but the agent prunes images on this host.",
        *(f"present but not active: {pruner.where}: {pruner.command}" for pruner in idle.values()),
    )


def _of_the_harness(history: History) -> tuple[str, ...]:
    """What of the harness's commands removes images, by their own words."""
    ran = [
        *(command for one in history.of(Deployed) for command in one.deployment.commands),
        *(command for one in history.of(TornDown) for command in one.removal.commands),
    ]
    words = (removal_words(" ".join(command.argv)) for command in ran)
    return tuple(dict.fromkeys(filter(None, words)))
