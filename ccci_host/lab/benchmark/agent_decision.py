"""What the agent's decision on a very large host costs: `decide()` alone, in this process."""

import hashlib
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ccci_host.agent.decide import decide
from ccci_host.agent.gates import Circumstances
from ccci_host.agent.host import CLASSIC, CONTAINERD, read
from ccci_host.agent.ledger import Ledger
from ccci_host.agent.look import look
from ccci_host.agent.policy import Policy
from ccci_host.agent.pressure import recorded
from ccci_host.agent.snapshot import Snapshot
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.lab import Lab

IMAGES, CONTAINERS, SERVICES = 10_000, 1_000, 250
REPOSITORIES = 400
TIMES = 7
BUDGET = 0.2
"""Seconds of CPU."""

POLICY = Policy(keep=("debian", "ghcr.io/coop/*", "org/app7:*"))
NOW = 1_750_000_000.0
DAY = 86_400.0


def measure(_: Lab) -> Sequence[Figure]:
    """The slower store's median."""
    medians = [statistics.median(_times(store)) for store in (CLASSIC, CONTAINERD)]
    return [
        Figure(
            f"agent: a decision over {IMAGES} images and {CONTAINERS} containers",
            max(medians),
            BUDGET,
            "s of CPU",
            f"median of {TIMES}, of two stores the slower",
        )
    ]


def _times(store: str) -> Iterator[float]:
    host = read(snapshot(store))
    ledger = look(Ledger(), host, NOW, trusted=True)
    around = Circumstances(NOW + 40 * DAY, recorded(90.0), trusted=True)
    for _ in range(TIMES):
        began = time.process_time()
        plan = decide(host, ledger, POLICY, around)
        yield time.process_time() - began
        if len(plan.victims) + len(plan.kept) != IMAGES or not plan.victims or not plan.kept:
            raise AssertionError("the generated host is no host that a decision has to think about")


def snapshot(store: str) -> Snapshot:
    """A host of that size: images of many versions on shared layers, some in use, some with a tag."""
    images = [_image(store, number) for number in range(IMAGES)]
    identities = [image["Id"] for image in images]
    driver = [["driver-type", "io.containerd.snapshotter.v1"]] if store == CONTAINERD else []
    return Snapshot(
        {
            "info": {"DriverStatus": driver, "Swarm": {"LocalNodeState": "active", "ControlAvailable": True}},
            "version": {"ApiVersion": "1.45"},
            "images": images,
            "image_inspect": {
                identity: {"RootFS": {"Layers": _layers(number)}}
                for number, identity in enumerate(identities)
            },
            "containers": [
                {"Names": [f"/c{number}"], "ImageID": identities[number * 7 % IMAGES], "State": "exited"}
                for number in range(CONTAINERS)
            ],
            "services": [_service(number) for number in range(SERVICES)],
            "tasks": [],
        }
    )


def _image(store: str, number: int) -> dict[str, Any]:
    name = _name(number)
    by_digest = f"{name.rpartition(':')[0]}@{_digest('manifest', number)}"
    tags = [name] if number % 3 == 0 else []
    if store == CONTAINERD:
        tags.append(f"{name}@{_digest('manifest', number)}")
    identity = _digest("config" if store == CLASSIC else "manifest", number)
    return {"Id": identity, "RepoTags": tags, "RepoDigests": [by_digest], "Size": 10**8}


def _layers(number: int) -> list[str]:
    base = [_digest(f"base {number % 20}", layer) for layer in range(4)]
    return [*base, *(_digest(f"layer of {number}", layer) for layer in range(4))]


def _service(number: int) -> dict[str, Any]:
    name = _name(number)
    container = {"Image": f"{name}@{_digest('manifest', number)}"}
    spec = {
        "Name": f"s{number}",
        "Labels": {"com.docker.stack.image": name},
        "Mode": {"Replicated": {"Replicas": 0}},
        "TaskTemplate": {"ContainerSpec": container},
    }
    return {"ID": f"service {number}", "UpdatedAt": "2025-06-15T15:06:40Z", "Spec": spec}


def _name(number: int) -> str:
    return f"org/app{number % REPOSITORIES}:{number // REPOSITORIES}"


def _digest(what: str, number: int) -> str:
    return f"sha256:{hashlib.sha256(f'{what} {number}'.encode()).hexdigest()}"
