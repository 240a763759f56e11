"""The power cut at random points of a sweep, on real daemons; see `pictures` for how.

`CCCI_CUTS` says how many cuts a store; `CCCI_SEED` repeats a run's choice of moments as far as timing allows.
"""

import json
import os
import random
from collections.abc import Iterator

import pytest

from ccci_host.lab import Lab
from tests.live.agent_host import agent_host
from tests.live.agent_stock import VICTIMS, bring_survivors, bring_victims, publish_victims
from tests.live.pictures import SOCKET, STATE, Pictures, pictures_of

pytestmark = pytest.mark.live

CUTS = int(os.environ.get("CCCI_CUTS", "3"))
A_SWEEP = 5
"""At most so many cuts during one sweep."""
SEED = int(os.environ.get("CCCI_SEED") or random.randrange(10**6))


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[Pictures]:
    with agent_host(request.param, data_gb=0.5) as host, pictures_of(host) as pictures:
        Lab.default().hub.control.set_limits(account=1_000_000, anonymous=1_000_000)
        host.docker("swarm", "leave", "--force")  # two managers of one swarm cannot live at one address
        bring_survivors(host, swarm=False)
        publish_victims(host)
        yield pictures
        Lab.default().hub.control.refill()


def test_the_power_is_cut(shared: Pictures, capsys: pytest.CaptureFixture[str]) -> None:
    host, rng = shared.host, random.Random(SEED)
    host.prune("observe").check()
    survivors = host.images()
    tally: dict[str, int] = {}
    cuts = 0
    while cuts < CUTS:
        bring_victims(host)
        host.run("sync")  # what a pull leaves in memory is the engine's to lose
        victims = {victim["id"] for victim in host.plan()["victims"]}
        assert len(victims) == VICTIMS
        remembered = host.first_seen(set(survivors))
        for picture in shared.during(host.sweep, min(A_SWEEP, CUTS - cuts), rng):
            what = f"seed {SEED}, cut {cuts}: {picture.name}"
            cuts += 1
            with shared.powered_on(picture):
                left = host.images(SOCKET)
                assert {image: left.get(image) for image in survivors} == survivors, what
                status = json.loads(shared.prune("status", "--json").check().stdout)
                assert not status["unreadable"], what
                assert not [note for note in status["notes"] if "counts as used now" in note], status["notes"]
                assert host.first_seen(set(survivors), STATE) == remembered, what
                unfinished = "unfinished" if status["sweep_unfinished_since"] else "no sweep under way"
                key = f"{len(victims - set(left))} of {VICTIMS} gone, {unfinished}"
                tally[key] = tally.get(key, 0) + 1

                done = shared.prune("sweep")
                assert host.images(SOCKET) == survivors, f"{what}\n{done.text}"
                assert host.ledger(STATE)["sweep_since"] is None, what
                shared.read_whole(survivors)
    with capsys.disabled():
        print(f"\n{host.store}, seed {SEED}: {cuts} cuts; {json.dumps(tally, indent=1)}")
