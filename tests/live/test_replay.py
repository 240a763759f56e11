"""The replay on real daemons, cut short: three nights, two policies, one store."""

from collections.abc import Iterator

import pytest

from ccci_host.lab import Lab
from ccci_host.lab.replay import Campaign, replay
from ccci_host.lab.replay.policies import POLICIES

pytestmark = pytest.mark.live

SMALL_GB = 0.39
"""Two nights of images press on it."""


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Campaign]]:
    policies = [policy for policy in POLICIES if policy.key in ("everything", "ours")]
    campaigns = replay(Lab.default(), stores=["classic"], policies=policies, nights=3, data_gb=SMALL_GB)
    yield {campaign.policy: campaign for campaign in campaigns}


def test_pruning_everything_loses_what_the_next_night_needs(played: dict[str, Campaign]) -> None:
    lost = played["everything"]
    assert len(lost.missed) >= 6, "the suite ran in night 1, and runs again in night 3"
    assert lost.nights[2].again > 6 * 13_000_000


def test_ours_loses_nothing(played: dict[str, Campaign]) -> None:
    ours = played["ours"]
    assert not ours.missed
    assert not [night.failed for night in ours.nights if night.failed]
    assert sum(night.again for night in ours.nights) == 0
    assert [night.manifests for night in ours.nights] == [18, 24, 12]
    assert ours.nights[1].peak >= 80


def test_nothing_is_left_of_it(played: dict[str, Campaign]) -> None:
    lab = Lab.default()
    assert "replay-classic" not in {guest.name for guest in lab.status().guests}
    assert lab.hub.control.buckets() == {}
