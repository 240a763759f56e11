"""Hosts to decide on, written as a daemon of either store would answer.

One description gives two renderings: on the classic store an image's id is that of its config and a pull by
digest leaves no name; on the containerd store its id is its digest and the name keeps tag and digest.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccci_host.agent.decide import Plan, decide
from ccci_host.agent.gates import Circumstances, Lease
from ccci_host.agent.host import CLASSIC, CONTAINERD, Host, read
from ccci_host.agent.ledger import Ledger
from ccci_host.agent.look import look
from ccci_host.agent.policy import Policy
from ccci_host.agent.pressure import recorded
from ccci_host.agent.snapshot import Snapshot

STORES = (CLASSIC, CONTAINERD)
PYTHON = os.environ.get("CCCI_AGENT_PYTHON", sys.executable)
"""What runs the agent's words; set it to a Python 3.9 to see that the oldest will do."""
HOUR = 3600.0
DAY = 24 * HOUR
START = 1_750_000_000.0
"""A moment in 2025, epoch seconds."""


def digest_of(name: str) -> str:
    """The digest of the manifest of the image called `name` in these tests."""
    return "sha256:" + hashlib.sha256(b"manifest " + name.encode()).hexdigest()


def config_of(name: str) -> str:
    """The digest of its config."""
    return "sha256:" + hashlib.sha256(b"config " + name.encode()).hexdigest()


def stamp(moment: float) -> str:
    """A moment as Docker writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")


@dataclass
class FakeImage:
    """An image: what it is called in the tests, and how the store came to have it."""

    name: str
    tags: tuple[str, ...] = ()
    """Names by tag, as `docker pull` or a build leave them."""
    pulled: tuple[str, ...] = ()
    """`repo:tag` that swarm pulled by this image's digest."""
    layers: tuple[str, ...] = ()
    parent: str = ""
    built: bool = False
    """Made here: the classic store knows no digest of it."""
    inspectable: bool = True
    size: int = 1000
    created: float = 1_577_836_800
    """When its publisher made it."""


@dataclass
class FakeHost:
    """What the daemon of a host would answer."""

    store: str = CLASSIC
    images: list[FakeImage] = field(default_factory=list)
    containers: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    pins: dict[str, Any] | None = None
    swarm: str = "manager"
    root: str = "/var/lib/docker"

    def id(self, name: str) -> str:
        """The id that this store gives to the image called `name`."""
        return config_of(name) if self.store == CLASSIC else digest_of(name)

    def image(self, name: str, **how: Any) -> FakeImage:
        """Put an image into the store. Without `tags`, `pulled` or `layers` it has a layer of its own."""
        how.setdefault("layers", (f"layer of {name}",))
        made = FakeImage(name, **how)
        self.images.append(made)
        return made

    def remove(self, name: str) -> None:
        """Take an image out of the store."""
        self.images = [image for image in self.images if image.name != name]

    def container(self, name: str, image: str, *, running: bool = False, of_swarm: bool = False) -> None:
        """A container of the image called `image` in these tests."""
        self.containers.append(
            {
                "Id": hashlib.sha256(name.encode()).hexdigest(),
                "Names": [f"/{name}"],
                "Image": self.id(image),
                "ImageID": self.id(image),
                "State": "running" if running else "exited",
                "Labels": {"com.docker.swarm.task.id": "t"} if of_swarm else {},
            }
        )

    def service(
        self,
        name: str,
        image: str,
        *,
        asked: str = "",
        previous: str = "",
        updated: float = START,
        state: str = "",
        replicas: int = 1,
        running: int | None = None,
    ) -> None:
        """A service whose spec names `image`; it has converged unless `running` says otherwise."""
        spec = _spec(name, image, asked)
        spec["Mode"] = {"Replicated": {"Replicas": replicas}}
        raw: dict[str, Any] = {"ID": f"service-{name}", "UpdatedAt": stamp(updated), "Spec": spec}
        if previous:
            raw["PreviousSpec"] = _spec(name, previous, "")
        if state:
            raw["UpdateStatus"] = {"State": state}
        self.services.append(raw)
        for slot in range(replicas if running is None else running):
            self.task(f"{name}.{slot}", image, service=f"service-{name}", slot=slot + 1)

    def task(
        self,
        name: str,
        image: str,
        *,
        service: str = "service-x",
        slot: int = 1,
        state: str = "running",
        desired: str = "running",
        since: float = START,
    ) -> None:
        """A task."""
        self.tasks.append(
            {
                "ID": f"task-{name}",
                "ServiceID": service,
                "Slot": slot,
                "CreatedAt": stamp(since),
                "DesiredState": desired,
                "Status": {"State": state, "Timestamp": stamp(since)},
                "Spec": {"ContainerSpec": {"Image": image}},
            }
        )

    def tear_down(self) -> None:
        """Remove services, tasks and containers, as a teardown does."""
        self.services, self.tasks, self.containers = [], [], []

    def event(self, kind: str, action: str, actor: str, moment: float, **attributes: str) -> None:
        """An event of the daemon."""
        self.events.append(
            {
                "Type": kind,
                "Action": action,
                "Actor": {"ID": actor, "Attributes": attributes},
                "time": int(moment),
                "timeNano": int(moment * 1e9),
            }
        )

    def snapshot(self) -> Snapshot:
        """The raw answers."""
        driver = [["driver-type", "io.containerd.snapshotter.v1"]] if self.store == CONTAINERD else []
        state = {"none": "inactive"}.get(self.swarm, "active")
        answers: dict[str, Any] = {
            "info": {
                "Driver": "overlay2",
                "DriverStatus": driver,
                "DockerRootDir": self.root,
                "Swarm": {"LocalNodeState": state, "ControlAvailable": self.swarm == "manager"},
            },
            "version": {"ApiVersion": "1.45", "MinAPIVersion": "1.24"},
            "images": [self._listed(image) for image in self.images],
            "image_inspect": {
                self.id(image.name): {
                    "Id": self.id(image.name),
                    "RootFS": {"Type": "layers", "Layers": list(image.layers)},
                }
                for image in self.images
                if image.inspectable
            },
            "containers": list(self.containers),
            "services": list(self.services),
            "tasks": list(self.tasks),
        }
        if self.pins is not None:
            answers["pins"] = self.pins
        return Snapshot(answers, {}, list(self.events))

    def host(self) -> Host:
        """As the rows see it."""
        return read(self.snapshot())

    def write(self, folder: Path) -> Path:
        """A snapshot folder."""
        folder.mkdir(parents=True, exist_ok=True)
        snapshot = self.snapshot()
        for name, answer in snapshot.answers.items():
            (folder / f"{name}.json").write_text(json.dumps(answer))
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in snapshot.events))
        return folder

    def _listed(self, image: FakeImage) -> dict[str, Any]:
        digest = digest_of(image.name)
        repositories = {reference.rpartition(":")[0] for reference in (*image.tags, *image.pulled)}
        digests = [f"{repository}@{digest}" for repository in sorted(repositories)]
        tags = list(image.tags)
        if self.store == CONTAINERD:
            tags += [f"{reference}@{digest}" for reference in image.pulled]
        elif image.built:
            digests = []
        return {
            "Id": self.id(image.name),
            "ParentId": self.id(image.parent) if image.parent and self.store == CLASSIC else "",
            "RepoTags": tags or (["<none>:<none>"] if self.store == CLASSIC else []),
            "RepoDigests": digests or (["<none>@<none>"] if self.store == CLASSIC else []),
            "Created": int(image.created),
            "Size": image.size,
        }


def event(number: int, kind: str = "container", action: str = "start") -> dict[str, Any]:
    """The daemon's event of that number, as it comes."""
    moment = START + number
    return {
        "Type": kind,
        "Action": action,
        "Actor": {"ID": f"c{number}", "Attributes": {"image": "org/app:1", "name": "n", "secret": "s"}},
        "time": int(moment),
        "timeNano": int(moment * 1e9),
    }


def by_digest(reference: str, name: str) -> str:
    """`reference` with the digest of the image called `name`: as swarm resolves it."""
    return f"{reference}@{digest_of(name)}"


def _spec(name: str, image: str, asked: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Labels": {"com.docker.stack.image": asked} if asked else {},
        "TaskTemplate": {"ContainerSpec": {"Image": image}, "RestartPolicy": {"Condition": "any"}},
    }


class Story:
    """A host over time: looks at it are recorded, and at any moment it can be decided on."""

    def __init__(self, store: str = CLASSIC, policy: Policy | None = None) -> None:
        self.host = FakeHost(store)
        self.ledger = Ledger()
        self.policy = policy or Policy()
        self.now = START
        self.disk = 90.0

    def look(self, *, after: float = 0.0) -> None:
        """Let time pass and look once. Time is trusted, as with `observe --now`."""
        self.now += after
        self.ledger = look(self.ledger, self.host.host(), self.now, trusted=True)
        self.host.events = []

    def plan(self, *, after: float = 0.0, leases: tuple[Lease, ...] = ()) -> Plan:
        """What would be decided now."""
        self.now += after
        around = Circumstances(self.now, recorded(self.disk), leases, trusted=True)
        return decide(self.host.host(), self.ledger, self.policy, around)

    def row(self, name: str) -> str:
        """The row of the image called `name`."""
        plan = self.plan()
        identity = self.host.id(name)
        return next(ruling.row for ruling in (*plan.victims, *plan.kept) if ruling.image.id == identity)

    def victims(self) -> list[str]:
        """The images that go now, by their names in these tests, in order."""
        names = {self.host.id(image.name): image.name for image in self.host.images}
        return [names[ruling.image.id] for ruling in self.plan().victims]

    def survivors(self) -> set[str]:
        """The images that stay."""
        return {image.name for image in self.host.images} - set(self.victims())
