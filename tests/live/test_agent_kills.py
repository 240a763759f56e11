"""The agent killed without a warning, at random points of sweeps and of the ledger's writes, on real daemons.

`CCCI_KILLS` says how often a store; `CCCI_SEED` repeats a run's choice of points as far as timing allows.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import paths
from ccci_host.lab import Lab
from tests.live.agent_host import AgentHost, agent_host
from tests.live.agent_stock import VICTIMS, bring_survivors, bring_victims, publish_victims

pytestmark = pytest.mark.live

KILLS = int(os.environ.get("CCCI_KILLS", "6"))
SEED = int(os.environ.get("CCCI_SEED") or random.randrange(10**6))

PROGRAM = (Path(__file__).parent / "kill_remote.py").read_text()
SPARE = f"{paths.STATE}/{paths.LEDGER_FILE}.spare"


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[AgentHost]:
    with agent_host(request.param) as host:
        Lab.default().hub.control.set_limits(account=1_000_000, anonymous=1_000_000)
        bring_survivors(host)
        publish_victims(host)
        yield host
        Lab.default().hub.control.refill()


def run_and_kill(host: AgentHost, word: str, after: float, writes: str = "") -> dict[str, Any]:
    payload = {"argv": [paths.ARCHIVE, word], "after": after, "writes": writes}
    answer: dict[str, Any] = host.machine.run_python(PROGRAM, payload, timeout=300)
    return answer


def test_killed_at_any_point(shared: AgentHost, capsys: pytest.CaptureFixture[str]) -> None:
    host, rng = shared, random.Random(SEED)
    host.prune("observe").check()
    survivors = host.images()
    remembered = host.first_seen(set(survivors))
    bring_victims(host)
    whole = run_and_kill(host, "sweep", 300.0)["seconds"]
    assert host.images() == survivors

    tally: dict[str, int] = {}
    kills = tried = 0
    while kills < KILLS:
        tried += 1
        assert tried < 5 * KILLS + 5, f"seed {SEED}: only {kills} of {tried} processes lived to be killed"
        bring_victims(host)
        victims = {victim["id"] for victim in host.plan()["victims"]}
        assert len(victims) == VICTIMS
        word, after, writes = rng.choice(
            (
                ("sweep", rng.uniform(0.2, 1.0) * whole, ""),
                ("sweep", rng.uniform(0.2, 1.0) * whole, ""),
                ("sweep", rng.uniform(0.0, 0.01), SPARE),
                ("observe", rng.uniform(0.0, 0.01), SPARE),
            )
        )
        done = run_and_kill(host, word, after, writes)
        what = f"seed {SEED}, kill {kills}: {word} {after:.4f} s after {writes or 'its start'}\n{done}"
        kills += done["killed"]

        left = host.images()
        assert {image: left.get(image) for image in survivors} == survivors, what
        status = host.status()
        assert not status["unreadable"], what
        assert not [note for note in status["notes"] if "counts as used now" in note], what
        assert host.first_seen(set(survivors)) == remembered, what
        gone = len(victims - set(left))
        if done["killed"]:
            unfinished = "unfinished" if status["sweep_unfinished_since"] else "no sweep begun"
            key = f"{word}{' writing' if writes else ''}: {gone} of {VICTIMS} gone, {unfinished}"
            tally[key] = tally.get(key, 0) + 1

        outcome = host.sweep()
        assert all("above the high watermark" in failure for failure in outcome["failures"]), what
        assert host.images() == survivors, what
        assert host.ledger()["sweep_since"] is None, what
    with capsys.disabled():
        print(
            f"\n{host.store}, seed {SEED}: {kills} kills of {tried} processes; {json.dumps(tally, indent=1)}"
        )
