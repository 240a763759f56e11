"""Nights of churn on a small disk: digests superseded under one tag, and version bumps under new tags.

`CCCI_CYCLES` says how many nights. The ages are seconds in the policy, by how long a night takes here.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ccci_host.agent import paths
from ccci_host.agent.host import CLASSIC
from ccci_host.agent.reserve import SIZE
from ccci_host.lab import Lab
from tests.live.agent_host import AgentHost, agent_host
from tests.live.devices import Devices

pytestmark = pytest.mark.live

CYCLES = int(os.environ.get("CCCI_CYCLES", "10"))

LAYER = {"classic": 3_000_000, "containerd": 1_500_000}
"""Bytes of an image's own layer; the containerd store holds it packed and unpacked."""

STANDING = {"nightly": 1, "rare": 2}
"""What no recipe changes, and every how many nights it is used."""

DEPLOYED = 10
"""Every so many nights swarm deploys; in the others containers are made, which pull what is missing."""

FIRST_DEPLOYED = 7
"""The first such night: before the disk is short for the first time. On the containerd store all that a tag
leaves when it moves is an image with another name, such as a deploy gives it: only that can be superseded."""

BALLAST = "/var/lib/docker/ballast"


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[AgentHost]:
    with agent_host(request.param, data_gb=0.4) as host:
        Lab.default().hub.control.set_limits(account=1_000_000, anonymous=1_000_000)
        yield host
        Lab.default().hub.control.refill()


class Recipes:
    """The recipes as they stand: the image that each names, and when that was last used."""

    def __init__(self, host: AgentHost, layer: int) -> None:
        self.host = host
        self.layer = layer
        self.night = 0
        self.digests = {name: self._publish(f"churn/{name}:1") for name in STANDING}
        """By name of the image."""
        self.used: dict[str, float] = {}
        """Epoch seconds, by id of the image."""
        self.ids: dict[str, str] = {}
        """Id of the image that was used last, by its name."""

    def change(self) -> None:
        """A new digest under the tag that stays the same, and a new version under a tag of its own."""
        self.night += 1
        self.digests["moving"] = self._publish("churn/moving:1")
        self.digests["bumped"] = self._publish(f"churn/bumped:{self.night}")

    def run(self) -> None:
        """Use what is due tonight; raises when a pull or a container fails, as for want of space."""
        due = [name for name in self.digests if self.night % STANDING.get(name, 1) == 0]
        moment = time.time()
        if self.night % DEPLOYED == FIRST_DEPLOYED:
            moving = {"moving": "churn/moving:1"}
            self.host.deploy("night", {name: self._pinned(name) for name in due} | moving).check()
            self.host.tear_down("night")
        else:
            uses = [f"docker rm $(docker create --quiet {self._pinned(name)} true)" for name in due]
            self.host.sh(" && ".join(["docker pull --quiet churn/moving:1", *uses]), timeout=300)
        exact = [f"churn/{name}@{self.digests[name]}" for name in due]
        found = self.host.docker("image", "inspect", "--format", "{{.Id}}", *exact).split()
        self.ids.update(zip(due, found, strict=True))
        self.used.update(dict.fromkeys(found, moment))

    def _pinned(self, name: str) -> str:
        """As recipes pin it; the tag that moves is asked for by itself besides."""
        tag = self.night if name == "bumped" else 1
        return f"churn/{name}:{tag}@{self.digests[name]}"

    def _publish(self, reference: str) -> str:
        return self.host.publish(reference, size=self.layer + self.night)


def fullness(outcome: dict[str, Any]) -> float:
    """The percentage that counts against the watermarks, as a tick measured it last."""
    return max(float(disk[kind]) for disk in outcome["disk"] for kind in ("blocks_percent", "inodes_percent"))


def watermarks(host: AgentHost) -> dict[str, float]:
    """Watermarks that leave room for a few nights beside what is on the disk now."""
    base = fullness(host.sweep())
    return {"high_watermark": base + 10, "low_watermark": base + 5.5}


def test_the_disk_stays_bounded_and_nothing_is_missed(
    shared: AgentHost, capsys: pytest.CaptureFixture[str]
) -> None:
    host = shared
    host.clean()
    recipes = Recipes(host, LAYER[host.store])
    host.set_policy(high_watermark=99, low_watermark=98)
    limits = watermarks(host)
    begun = 0.0
    for number in range(4):
        begun = begun if number > 1 else time.monotonic()
        recipes.change()
        recipes.run()
        host.sweep()
    idle_after = 1.2 * (time.monotonic() - begun)
    host.set_policy(**limits, young="1s", idle_after=idle_after)
    gone: Counter[str] = Counter()
    peak = 0.0
    for _ in range(CYCLES):
        recipes.change()
        recipes.run()
        outcome = host.sweep(0)
        assert fullness(outcome) <= limits["high_watermark"]
        peak = max(peak, fullness(outcome))
        for removed in outcome["removed"]:
            gone[removed["class"]] += 1
            if removed["id"] in recipes.ids.values():
                unused = time.time() - recipes.used[removed["id"]]
                assert unused > idle_after, f"night {recipes.night}: {removed} after {unused:.1f} s"
    watched = host.sh(f"journalctl -u {paths.WATCH} -o cat --no-pager")
    assert "disk-full" not in watched
    with capsys.disabled():
        print(
            f"\n{host.store}: {CYCLES} nights, removed {dict(gone)}, idle_after {idle_after:.1f} s, "
            f"at most {peak:.1f} % after a tick, high watermark {limits['high_watermark']:.1f} %"
        )
    assert gone["superseded"], gone
    assert gone["idle"], gone


@pytest.fixture(params=["state beside", "state on the disk"])
def host(request: pytest.FixtureRequest, shared: AgentHost) -> Iterator[AgentHost]:
    devices = Devices(shared.machine)
    if request.param == "state on the disk":
        devices.put_state_on_data_disk()
    shared.clean()
    yield shared
    shared.sh(f"rm -rf {BALLAST} {paths.BESIDE_STORE}")
    if request.param == "state on the disk":
        shared.sh(f"systemctl stop {paths.WATCH}")
        devices.unplug("state")
        shared.sh(f"systemctl start {paths.WATCH}")


def fill(host: AgentHost) -> None:
    """Leave not one free block on the disk that holds the store."""
    host.sh(f"! dd if=/dev/zero of={BALLAST} bs=64k 2> /dev/null; sync")
    host.sh(f"! dd if=/dev/zero of={BALLAST} bs=1k oflag=append conv=notrunc 2> /dev/null; sync")
    assert int(host.sh("df --output=avail /var/lib/docker").split()[-1]) == 0, "KiB"


def test_without_a_bound_the_disk_fills_and_it_says_so(host: AgentHost) -> None:
    """And at 100 % it still cures, once it may."""
    recipes = Recipes(host, 8 * LAYER[host.store])
    limits = {"high_watermark": 80, "low_watermark": 70}
    host.set_policy(**limits, young="1s", idle_after="never")
    outcome: dict[str, Any] = {"disk": []}
    bumps: list[str] = []
    while not bumps or fullness(outcome) < limits["high_watermark"]:
        assert len(bumps) < 20, "the disk does not fill"
        recipes.change()
        recipes.run()
        bumps.append(f"churn/bumped@{recipes.digests['bumped']}")
        outcome = host.sweep(0, 1)
        assert {removed["class"] for removed in outcome["removed"]} <= {"superseded"}
    host.age(1.2)
    fill(host)

    assert not host.run("systemctl", "start", paths.SERVICE).ok
    journal = host.said()
    assert "above the high watermark" in journal
    assert "since 20" in journal
    assert host.status()["above_since"]
    assert all(host.has(bump) for bump in bumps), "nothing shows that these are not needed"
    last = host.status()["last"]
    assert {removed["class"] for removed in last["removed"]} <= {"superseded"}, json.dumps(last)

    host.set_policy(**limits, young="1s", idle_after="1s")
    fill(host)
    assert host.run("systemctl", "start", paths.SERVICE).ok, host.said()
    if host.store == CLASSIC:  # whose engine writes a file before it deletes (measured, 26.1.5)
        assert "gave-up reserve=" in host.said()
        held = host.sh(f"find {paths.STATE} /var/lib/docker -maxdepth 2 -name reserve -printf '%b '").split()
        assert [int(blocks) * 512 >= SIZE for blocks in held] == [True], "it is set aside again"
    outcome = host.status()["last"]
    assert fullness(outcome) < limits["high_watermark"]
    assert {removed["class"] for removed in outcome["removed"]} >= {"idle"}
    assert not [note for note in outcome["notes"] if "counts as used now" in note]
