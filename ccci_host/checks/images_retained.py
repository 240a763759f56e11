"""Whether the recipe's images outlived the teardown, and the reboot where there was one."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import (
    began,
    count,
    deployment,
    images_of,
    in_each_cycle,
    is_whole,
    keeps,
    listed,
    moments_between,
    name_of,
    store_at,
)
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, Moment, StoredImage

LOST: dict[Moment, str] = {
    "torn-down": "with the teardown",
    "rebooted": "over the reboot",
    "paused": "between teardown and redeploy",
}
"""When an image was lost, by the moment at which it was first missing."""

UNLISTED = (
    "Run the task again. If it stays so, docs/retention.md tells of images that Docker does not list: "
    "how they come to be, and how to have them listed again."
)


@check(
    pc="PC2",
    sentence="the store survives runs, teardowns and reboots",
    witnesses=("layer store",),
    tasks=("verify-pc1", *REDEPLOYS),
    order=10,
)
def images_retained(history: History) -> Answer:
    """An image that the deploy left in the store, and that is gone before the redeploy, was lost.

    So was one that the store no longer knows by the digest that swarm asks for, whatever else it is called.
    """
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    services = deployment(history, "deploy", cycle).services
    deployed = store_at(history, "deployed", cycle)
    held: dict[str, StoredImage] = {}
    for reference, stored in images_of(services, deployed).items():
        if stored is None or not is_whole(deployed, stored):
            raise NoEvidenceError(
                f"After the deploy the store does not show the whole of {name_of(reference)}, "
                "which its service runs.",
                todo=UNLISTED,
            )
        held[reference] = stored
    if not held:
        raise NoEvidenceError("No service's spec carried a digest, so no image can be followed by it.")
    for moment in moments_between(history, cycle):
        seen = store_at(history, moment, cycle)
        found = images_of(services, seen)
        lost = [
            reference
            for reference, stored in held.items()
            if found[reference] is None or not keeps(seen, stored, deployed)
        ]
        if lost:
            return failed(
                f"Lost {LOST[moment]}: {listed(name_of(reference) for reference in lost)}.",
                *(
                    f"{reference} (image {held[reference].id}) is gone by that name, or was pulled anew"
                    for reference in lost
                ),
                todo="Find what removed them: `invoke verify-pc1` names competing pruners, "
                "`journalctl -u ccci-prune` on the host says what the agent did.",
            )
    over = "teardown and reboot" if began(history, "reboot", cycle) else "the teardown"
    return passed(f"The {count(len(held), 'image')} of the recipe outlived {over}.")
