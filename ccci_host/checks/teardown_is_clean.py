"""Whether every teardown took away what the run had made, and no more."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import called, count, keeps, listed, store_at
from ccci_host.checks.registry import EVERY_TASK, check
from ccci_host.records import Cleanup, Deployed, History, Moment, Phase, TornDown

AROUND: dict[Phase, tuple[Moment, Moment]] = {
    "teardown": ("deployed", "torn-down"),
    "final-teardown": ("redeployed", "finally-torn-down"),
}
"""The looks at the store before and after a teardown."""


AFTER_DEPLOY: dict[Phase, Phase] = {"deploy": "teardown", "redeploy": "final-teardown"}
"""The teardown that follows a deploy."""


@check(
    pc="PC1",
    sentence="a run's teardown removes its services, volumes and secrets and no image",
    witnesses=("swarm objects", "layer store"),
    tasks=EVERY_TASK,
    order=26,
)
def teardown_is_clean(history: History) -> Answer:
    """What a teardown or the final cleanup left behind is a FAIL; so is an image that it removed.

    A harness says nothing of images: what is gone with its teardown, or was pulled anew, the store shows. Of
    images that the run did not deploy it may have been somebody else who removed them just then: UNKNOWN.
    """
    torn = [record.removal for record in history.of(TornDown)]
    cleanups = history.of(Cleanup)
    left = [item for removal in torn for item in removal.left]
    left += [item for cleanup in cleanups for item in cleanup.left]
    images = [name for removal in torn for kind, name in removal.removed if kind == "image"]
    if images:
        return failed(
            f"The teardown removed images: {listed(images)}.",
            todo="Take the removal of images out of the teardown; the agent alone deletes images.",
        )
    lost, unseen = _lost(history)
    if lost:
        return failed(
            f"Gone from the store with the teardown: {listed(lost)}.",
            todo="Take the removal of images out of the teardown, unless `invoke verify-pc1` names a pruner; "
            "the agent alone deletes images.",
        )
    if left:
        return failed(
            f"Left behind: {listed(f'{kind} {name}' for kind, name, _ in left)}.",
            *(f"{kind} {name}: {why}" for kind, name, why in left),
            todo="Remove them by hand: `docker stack rm`, then `docker volume rm` and `docker secret rm`.",
        )
    if not torn:
        raise NoEvidenceError("Nothing was torn down, so nothing is shown about teardowns.")
    if untold := _untold(history):
        raise NoEvidenceError(f"What is left is not known: the history does not tell of {listed(untold)}.")
    unclear = [cleanup.problem for cleanup in cleanups if cleanup.problem]
    if unclear:
        raise NoEvidenceError(f"The final cleanup could not look at what is left: {unclear[0]}.")
    if unseen:
        raise unseen[0]
    kinds: dict[str, int] = {}
    for removal in torn:
        for kind, _ in removal.removed:
            kinds[kind] = kinds.get(kind, 0) + 1
    if not kinds.get("service"):
        raise NoEvidenceError("No teardown removed a service, so nothing is shown about teardowns.")
    what = listed(count(number, kind) for kind, number in sorted(kinds.items()))
    return passed(f"{count(len(torn), 'teardown')} removed {what}, left nothing behind and touched no image.")


def _untold(history: History) -> list[str]:
    """What the history of a run has to tell of how it was undone, and does not."""
    told = {(torn.phase, torn.cycle) for torn in history.of(TornDown)}
    wanted = [(AFTER_DEPLOY.get(one.phase), one.cycle) for one in history.of(Deployed)]
    missing = [
        f"the {phase} of cycle {cycle}" for phase, cycle in wanted if phase and (phase, cycle) not in told
    ]
    return missing if history.of(Cleanup) else [*missing, "the cleanup at its end"]


def _lost(history: History) -> tuple[list[str], list[NoEvidenceError]]:
    """The run's images that a teardown did not leave as they were; and why nothing is known of others."""
    lost: list[str] = []
    unseen: list[NoEvidenceError] = []
    digests = {one.digest for deployed in history.of(Deployed) for one in deployed.deployment.services}
    for torn in (one for one in history.of(TornDown) if one.phase in AROUND):
        try:
            before, after = (store_at(history, moment, torn.cycle) for moment in AROUND[torn.phase])
        except NoEvidenceError as missing:
            unseen.append(missing)
            continue
        gone = [image for image in before.images if not keeps(after, image, before)]
        own = [image for image in gone if not digests.isdisjoint((image.id, *image.digests))]
        lost += [called(history, image) for image in own]
        if len(own) < len(gone):
            others = listed(called(history, image) for image in gone if image not in own)
            unseen.append(NoEvidenceError(f"Gone during the teardown, by whomever: {others}."))
    return lost, unseen
