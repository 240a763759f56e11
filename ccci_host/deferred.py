"""The registry pull-through cache is deferred until one of two conditions holds (machine-docs/IDEAS.md).

Both are measured here as far as they can be; what cannot be measured is said, and is not "no".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ccci_host import checkout, machine_docs
from ccci_host.checks.reading import new_layers, readable_size
from ccci_host.checks.registry import REDEPLOYS
from ccci_host.errors import CcciError
from ccci_host.evidence import HISTORY
from ccci_host.facts.collector import collect
from ccci_host.facts.disk import CONTAINERD_ROOT
from ccci_host.facts.docker import DOCKER, Docker
from ccci_host.journal import read_history
from ccci_host.records import Deployment, History, StoreSeen
from ccci_host.transport import connect
from ccci_host.transport.machine import Machine

BOTTLENECK = 2.0
"""A cold deploy that takes more than this many times a warm one's time spends most of it on pulling."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Whether something is so, where that could be measured, and what was seen."""

    holds: bool | None
    seen: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions: all its parts have to hold."""

    name: str
    parts: tuple[Measured, ...]

    @property
    def holds(self) -> bool | None:
        """None where the parts that were measured do not settle it."""
        parts = [part.holds for part in self.parts]
        return False if False in parts else None if None in parts else True

    def lines(self) -> tuple[str, ...]:
        """For a terminal."""
        answer = {True: "yes", False: "no", None: "not known"}[self.holds]
        return (f"{self.name}: {answer}", *(f"  {part.seen}" for part in self.parts))

    @property
    def value(self) -> dict[str, object]:
        """For `--json`."""
        parts = [{"holds": part.holds, "seen": part.seen} for part in self.parts]
        return {"condition": self.name, "holds": self.holds, "parts": parts}


def conditions(machine: Machine, folder: Path = checkout.MACHINE_DOCS) -> tuple[Condition, Condition]:
    """The two conditions on `machine`, with the evidence in `folder` for what deploys cost."""
    facts = collect(machine, DOCKER, CONTAINERD_ROOT)
    docker = facts[DOCKER]
    known = docker if isinstance(docker, Docker) else None
    store = store_folder(known, facts[CONTAINERD_ROOT])
    return (
        Condition("several swarm nodes", (nodes(known),)),
        Condition(
            "cold pulls are a measured bottleneck, and storage survives a rebuild",
            (bottleneck(machine.name, folder), storage(store, _devices(machine))),
        ),
    )


def conclusion(found: tuple[Condition, ...]) -> str:
    """What follows for the pull-through cache."""
    if any(condition.holds for condition in found):
        return "The deferred pull-through cache is to be looked at again: machine-docs/IDEAS.md."
    return "The pull-through cache stays deferred."


def nodes(docker: Docker | None) -> Measured:
    """Whether the swarm has several nodes."""
    if docker is None or not docker.swarm.is_manager:
        return Measured(
            None, "The swarm's nodes are not known: the daemon is no manager, or does not answer."
        )
    several = docker.swarm.nodes > 1
    return Measured(several, f"The swarm has {docker.swarm.nodes} node{'s' if several else ''}.")


def bottleneck(host: str, folder: Path) -> Measured:
    """Whether pulling takes most of a cold deploy, by the last run that saw a cold and a warm one."""
    for name, item in reversed(machine_docs.runs(folder)):
        if item.host == host and item.task in REDEPLOYS:
            try:
                seen = cold_and_warm(read_history(folder / machine_docs.EVIDENCE_FOLDER / name / HISTORY))
            except CcciError:
                continue
            if seen is not None:
                size, cold, warm = seen
                told = (
                    f"Deployed in {cold:.1f} s with {readable_size(size)} of layers to download, and in "
                    f"{warm:.1f} s with none ({name}). More than {BOTTLENECK:g} times would be a bottleneck."
                )
                return Measured(cold > BOTTLENECK * warm, told)
    return Measured(None, f"Cold pulls are not measured: no run on {host} deployed both cold and warm.")


def cold_and_warm(history: History) -> tuple[int, float, float] | None:
    """Bytes of layers that the first deploy brought, its seconds, and those of a redeploy that brought none.

    None when the first deploy was warm itself, or something was not seen.
    """
    start, deployed = history.at(StoreSeen, "start", 0), history.at(StoreSeen, "deployed", 1)
    before, after = history.at(StoreSeen, "torn-down", 1), history.at(StoreSeen, "redeployed", 1)
    first, second = history.deployment("deploy", 1), history.deployment("redeploy", 1)
    if not (start and deployed and before and after and first and second):
        return None
    if any(seen.problem for seen in (start, deployed, before, after)) or new_layers(before, after):
        return None
    brought = new_layers(start, deployed)
    size = sum(layer.size for layer in deployed.layers if layer.key in brought)
    return (size, _seconds(first), _seconds(second)) if brought else None


def _seconds(deployment: Deployment) -> float:
    return deployment.seconds_to_deploy + deployment.seconds_to_converge


def store_folder(docker: Docker | None, containerd_root: str | None) -> str | None:
    """Where the daemon keeps its layers: its own root, or containerd's. None where that is not known."""
    if docker is None:
        return None
    return containerd_root if docker.store == "containerd" else docker.root


def storage(folder: str | None, devices: Mapping[str, Mapping[str, Any]]) -> Measured:
    """Whether the store's folder lies on a disk of Incus that outlives the instance's own."""
    if folder is None:
        return Measured(
            None, "Where the store lies is not known: the host's daemon, or its containerd, does not tell."
        )
    root = PurePosixPath(folder)
    for name, device in sorted(devices.items()):
        path = device.get("path")
        if device.get("type") == "disk" and path not in (None, "/") and root.is_relative_to(path):
            return Measured(True, f"{root} lies on the device {name!r}, apart from the instance's own disk.")
    if any(device.get("type") == "disk" and not device.get("path") for device in devices.values()):
        return Measured(
            None, f"Incus does not tell whether {root} lies on a disk that it attaches as blocks."
        )
    return Measured(False, f"{root} lies on the instance's own disk, which goes with the instance.")


def _devices(machine: Machine) -> Mapping[str, Mapping[str, Any]]:
    server = connect(machine.config.incus)
    try:
        found = server.api.get("instances", machine.config.incus.instance)
    finally:
        server.close()
    devices: Mapping[str, Mapping[str, Any]] = found["expanded_devices"]
    return devices
