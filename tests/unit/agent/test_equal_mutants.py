"""The mutants of the decision that no test can kill: on generated hosts they decide as the original does.

`CCCI_EXAMPLES` says on how many hosts.
"""

from typing import Any

import pytest
from hypothesis import given

from ccci_host.agent.gates import Circumstances
from ccci_host.agent.policy import Policy
from ccci_host.agent.pressure import recorded
from tests.mutants import Equal
from tests.unit.agent.hosts import STORES
from tests.unit.agent.test_properties import World, many, policies, steps

EQUAL = (
    Equal(
        "ccci_host.agent.decide",
        "rows = ROWS if image.id in self.holds else UNHELD_ROWS",
        "rows = ROWS if (image.id in self.holds) or True else UNHELD_ROWS",
        "the rows that are left out fit no image that no root holds: leaving them out spares time",
    ),
)
CHANGED = [equal.load() for equal in EQUAL]


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies)
@many
def test_no_host_tells_an_equal_mutant_from_the_original(store: str, story: Any, policy: Policy) -> None:
    world = World(store, story)
    host, around = world.host.host(), Circumstances(world.now, recorded(95.0), trusted=True)
    plan = world.plan(policy).to_json()
    for equal, changed in zip(EQUAL, CHANGED, strict=True):
        assert changed.decide(host, world.ledger, policy, around).to_json() == plan, equal.why
