"""Whether any image, of whomever, disappeared from the store during the run."""

from collections.abc import Iterator

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import AFTER, called, count, keeps, listed
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import (
    EvictionControl,
    History,
    PlanSeen,
    StoreSeen,
    SweepSeen,
)


@check(
    pc="PC1",
    sentence="a normal run evicts nothing",
    witnesses=("layer store", "agent's own answer"),
    tasks=("verify-pc1", *REDEPLOYS),
    order=12,
)
def nothing_evicted(history: History) -> Answer:
    """Between two looks only what the controls evicted may be missing, and what the agent let go.

    The latter is what a tick removed that nothing was to hold back, by a plan that the agent had told before,
    of the disk as it is, with every gate open.
    An image whose layers were written anew was missing in between: it was evicted, and pulled again.
    """
    looks = [seen for seen in history.of(StoreSeen) if not seen.problem]
    if len(looks) < 2:
        raise NoEvidenceError("The image store was not read twice, so nobody knows what disappeared.")
    for before, expected, after in _pairs(history):
        lost = [
            image for image in before.images if not keeps(after, image, before) and image.id not in expected
        ]
        if lost:
            return failed(
                f"Between {AFTER[before.moment]} and {AFTER[after.moment]} the host lost "
                f"{listed(called(history, image) for image in lost)}.",
                *(f"image {image.id}: {', '.join(image.references) or 'no name'}" for image in lost),
                todo="Find what removed them: `invoke verify-pc1` names competing pruners, "
                "`journalctl -u ccci-prune` on the host says what the agent did.",
            )
    blind = len(history.of(StoreSeen)) - len(looks)
    if blind:
        raise NoEvidenceError(
            f"{count(blind, 'look')} at the image store failed; nobody knows what was there then."
        )
    if _ends_with_a_tick(history):
        raise NoEvidenceError("The image store was not looked at after the agent's own tick.")
    return passed(f"No image disappeared over {len(looks)} looks at the store{_excused(history)}.")


def _ends_with_a_tick(history: History) -> bool:
    """Whether what a tick that nothing was to hold back removed was seen by no look."""
    kinds = [entry.event for entry in history.entries if isinstance(entry.event, StoreSeen | SweepSeen)]
    return isinstance(kinds[-1], SweepSeen) and kinds[-1].under == "nothing"


def _pairs(history: History) -> Iterator[tuple[StoreSeen, frozenset[str], StoreSeen]]:
    """Each two looks that follow each other, with the ids of what may have gone in between.

    That is what the agent's own tick removed, and what the run's own controls did, though one ended early.
    """
    before: StoreSeen | None = None
    planned: set[str] = set()
    removed: set[str] = set()
    for entry in history.entries:
        event = entry.event
        if isinstance(event, PlanSeen) and event.simulated_percent is None and not any(event.gates.values()):
            planned |= {str(victim.get("id")) for victim in event.victims}
        elif isinstance(event, SweepSeen) and event.under == "nothing":
            removed |= planned.intersection(event.image_ids)
        elif isinstance(event, EvictionControl):
            removed |= {event.image_id, *event.removed_ids}
        elif isinstance(event, StoreSeen) and not event.problem:
            if before is not None:
                yield before, frozenset(removed), event
            before, removed = event, set()


def _excused(history: History) -> str:
    """What the agent removed as its plan had told, in words."""
    names = [name for sweep in history.of(SweepSeen) if sweep.under == "nothing" for name in sweep.removed]
    return f", but what the agent's own tick let go: {listed(names)}" if names else ""
