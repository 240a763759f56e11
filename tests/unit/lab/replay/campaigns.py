"""Campaigns as they might have been played."""

from ccci_host.lab.replay.campaign import Campaign, Played
from ccci_host.lab.replay.policies import POLICIES


def night(*, failed: int = 0, again: int = 0, peak: float = 50.0) -> Played:
    why = tuple(f"recipe-{number}: no" for number in range(failed))
    return Played(
        runs=3,
        failed=why,
        again=again,
        manifests=10,
        refused=2 * failed,
        peak=peak,
        morning=peak - 5,
        seconds=20,
    )


def campaigns() -> tuple[Campaign, ...]:
    """Two nights of every policy on both stores; the first policy loses an image and a run."""
    played = []
    for store in ("classic", "containerd"):
        for policy in POLICIES:
            bad = policy.key == "everything"
            nights = [night(), night(failed=int(bad), again=27_000_000 if bad else 0, peak=91 if bad else 60)]
            evicted = [(1, "sha256:a")] if bad else []
            played.append(Campaign(store, policy.key, "26.1.5", nights, evicted, tuple(evicted)))
    return tuple(played)
