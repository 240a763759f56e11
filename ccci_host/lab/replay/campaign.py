"""One policy on one host, through all the nights."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ccci_host.errors import CcciError, HostError
from ccci_host.lab.hub import parse_reference
from ccci_host.lab.replay.churn import QUOTA, Night, Run, write_recipe
from ccci_host.lab.replay.host import Host
from ccci_host.lab.replay.measuring import DiskWatch, Traffic, manifest_gets, refused, used_again
from ccci_host.lab.replay.policies import Policy, Tick
from ccci_host.progress import doing, say
from ccci_host.recipes import STACK, App, make_app
from ccci_host.transport import Machine
from ccci_host.witnesses.registry_log import WITNESS as REGISTRY_LOG
from ccci_host.witnesses.store import WITNESS as STORE

T = TypeVar("T")

NIGHTS_IDLE = 2
"""An image is idle that was used neither in this night nor in so many before it."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one night."""

    runs: int
    failed: tuple[str, ...]
    """Recipes that did not come up, each with why."""
    again: int
    """Bytes of layers that were downloaded again."""
    manifests: int
    refused: int
    peak: float
    """Percent of the disk, at most."""
    morning: float
    """Percent of the disk, at the end."""
    seconds: float


@dataclass
class Campaign:
    """What came of it all."""

    store: str
    policy: str
    engine: str = ""
    nights: list[Played] = field(default_factory=list)
    evicted: list[tuple[int, str]] = field(default_factory=list)
    """Each image that a tick removed, with the night."""
    missed: tuple[tuple[int, str], ...] = ()
    """Those of them that a later night was to use."""
    notes: list[str] = field(default_factory=list)
    """What went wrong besides runs."""

    @property
    def failed(self) -> int:
        """Runs that failed."""
        return sum(len(night.failed) for night in self.nights)


def play(host: Host, policy: Policy, nights: Iterable[Night]) -> Campaign:
    """Play `nights` under `policy` on `host`, made new. Raises `CcciError` when it cannot begin."""
    machine = host.renew()
    version = machine.executor.run(["docker", "version", "--format", "{{.Server.Version}}"]).check().text
    campaign = Campaign(host.store, policy.key, engine=version)
    with DiskWatch(host.mount_point) as watch, TemporaryDirectory() as folder:
        player = _Player(host, policy, machine, Path(folder), watch, campaign)
        for night in nights:
            player.play(night)
    campaign.missed = used_again(campaign.evicted, player.uses)
    return campaign


@dataclass
class _Player:
    host: Host
    policy: Policy
    machine: Machine
    folder: Path
    watch: DiskWatch
    campaign: Campaign
    traffic: Traffic = field(default_factory=Traffic)
    begun: list[float] = field(default_factory=list)
    """When each night began, by the monotonic clock."""
    uses: dict[int, set[str]] = field(default_factory=dict)
    """Digests that each night is to use."""

    def play(self, night: Night) -> None:
        """All runs side by side, a tick while they stand, the teardown, a tick."""
        hub = self.host.hub
        for reference, target in night.moves:
            hub.move_tag(parse_reference(reference), target)
        images = {image for run in night.runs for image in run.images}
        self.uses[night.number] = {hub.digest(parse_reference(image)) for image in images}
        self.host.set_quota(QUOTA)
        self.begun.append(time.monotonic())
        stretch = REGISTRY_LOG.begin(self.machine)
        apps = [make_app(write_recipe(run, self.folder)) for run in night.runs]
        what = f"{self.campaign.store}, {self.policy.short}: night {night.number}"
        with doing(what), ThreadPoolExecutor(len(apps)) as beside:
            failed = [why for why in beside.map(self._deploy, night.runs, apps) if why]
            self._tick(night)
            list(beside.map(self._tear_down, apps))
            self._tick(night)
        seen = stretch.end("deploy", night.number)
        if seen.problem:
            raise HostError("The registry's log cannot witness the replay.", details=seen.problem)
        played = Played(
            runs=len(apps),
            failed=tuple(failed),
            again=self.traffic.again(seen.requests),
            manifests=manifest_gets(seen.requests),
            refused=refused(seen.requests),
            peak=round(self.watch.take_peak(), 1),
            morning=round(self.watch.used_percent(), 1),
            seconds=round(time.monotonic() - self.begun[-1], 1),
        )
        self.campaign.nights.append(played)
        say(
            f"{what}: {played.manifests} manifests, {played.refused} refused, disk {played.peak} %, "
            f"{len(failed)} of {len(apps)} runs failed"
        )

    def _deploy(self, run: Run, app: App) -> str:
        """Why the run failed, or nothing."""
        try:
            STACK.deploy(self.machine, app)
        except CcciError as error:
            return f"{run.recipe}: {error}"
        return ""

    def _tear_down(self, app: App) -> None:
        removal = self._noted(f"teardown of {app.recipe.name}", lambda: STACK.teardown(self.machine, app))
        if removal and removal.left:
            self.campaign.notes.append(f"left of {app.recipe.name}: {removal.left}")

    def _tick(self, night: Night) -> None:
        """Let the policy act, and note which images it took."""
        since = self.begun[max(0, len(self.begun) - 1 - NIGHTS_IDLE)]
        tick = Tick(self.watch.used_percent(), time.monotonic() - since)
        before = self._noted("listing", self._stored)
        self._noted("tick", lambda: self.policy.act(self.machine, tick))
        after = self._noted("listing", self._stored)
        if before is not None and after is not None:
            self.campaign.evicted += [(night.number, digest) for digest in sorted(before - after)]

    def _stored(self) -> set[str]:
        """Digests of the images in the store."""
        seen = STORE.look(self.machine, "start", len(self.begun))
        if seen.problem:
            raise HostError(f"The images of {self.machine.name} cannot be listed.", details=seen.problem)
        return {digest for image in seen.images for digest in image.digests}

    def _noted(self, what: str, act: Callable[[], T]) -> T | None:
        """What `act` answers; a host whose disk is full may fail at anything, and that is the story."""
        try:
            return act()
        except CcciError as error:
            self.campaign.notes.append(f"night {len(self.begun)}, {what}: {error}")
            return None
