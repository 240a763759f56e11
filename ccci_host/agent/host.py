"""A host as the rows see it: images with all their references, and what may hold them.

`read(snapshot)` turns raw answers into this, and says what it could not make sense of. It asks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional

from . import references
from .clock import parse_moment
from .daemon import LOWEST_API
from .references import Reference
from .snapshot import Snapshot

CLASSIC = "classic"
CONTAINERD = "containerd"

ENDED = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
"""The states of a task that has ended. Source: Docker's documentation of swarm task states."""

STACK_IMAGE = "com.docker.stack.image"
"""Label of a deployed stack's service: the image as the compose file asked for it."""

SWARM_TASK = "com.docker.swarm.task.id"

ENDS_WELL = ("none", "on-failure")
"""The restart conditions under which a task that is complete gets no successor."""


@dataclass(frozen=True)
class Image:
    """An image of the store with all its references."""

    id: str
    tags: tuple[str, ...] = ()
    """Its names: `repo:tag`, and on the containerd store also `repo:tag@sha256:…`."""
    digests: tuple[str, ...] = ()
    """Its names by digest alone: `repo@sha256:…`."""
    layers: tuple[str, ...] = ()
    parent: str = ""
    size: int = 0
    """Bytes, as the daemon says it; shared layers are counted in every image that has them."""
    problem: str = ""
    """Why it cannot be inspected; empty when it can."""
    created: float = 0.0
    """When its publisher built it, epoch seconds, by its own word."""
    named: tuple[Reference, ...] = field(init=False)
    """All its references, read."""
    keys: frozenset[str] = field(init=False)
    """The digests that mean this image: its id, and the digest of every reference."""

    def __post_init__(self) -> None:
        parsed = [references.parse(text) for text in self.refs]
        named = tuple([reference for reference in parsed if reference is not None])
        digests = [reference.digest for reference in named if reference.digest]
        object.__setattr__(self, "named", named)
        object.__setattr__(self, "keys", frozenset([self.id, *digests]))

    @property
    def refs(self) -> tuple[str, ...]:
        """All its references, as the daemon writes them; some stores list one under both headings."""
        return tuple(dict.fromkeys(self.tags + self.digests))


@dataclass(frozen=True)
class Container:
    """A container, running or not."""

    name: str
    image: str
    image_id: str
    running: bool
    of_swarm: bool
    mounted: tuple[str, ...] = ()
    """Images that it mounts as volumes."""


@dataclass(frozen=True)
class Service:
    """A swarm service. Moments are epoch seconds."""

    id: str
    name: str
    image: str
    previous: str
    """The image of its `PreviousSpec`; empty when there is none."""
    asked: str
    """The image as the compose file asked for it (label `com.docker.stack.image`); empty when unknown."""
    updated: Optional[float]
    update_state: str
    replicas: Optional[int]
    """None for a global service or a job."""
    job: bool
    restart: str
    """The restart condition: `any`, `on-failure` or `none`."""
    mounted: tuple[str, ...] = ()

    @property
    def rolled_back(self) -> bool:
        """Whether its present spec came from a rollback, which asks for no tag."""
        return self.update_state.startswith("rollback")


@dataclass(frozen=True)
class Task:
    """A task of a service. `since` is when it took its state."""

    id: str
    service: str
    slot: str
    image: str
    state: str
    desired: str
    created: str
    since: Optional[float]


@dataclass(frozen=True)
class Pins:
    """What the recipes under the recipe roots pin."""

    images: tuple[tuple[str, str], ...] = ()
    """Image and the recipe that pins it."""
    repositories: tuple[tuple[str, str], ...] = ()
    """Repository pattern and the recipe, of recipes that do not render."""
    problems: tuple[str, ...] = ()


@dataclass
class Host:
    """All of it. `unreadable` closes the gate of that name; `reported` only has to be said."""

    store: str = CLASSIC
    root: str = "/var/lib/docker"
    images: tuple[Image, ...] = ()
    containers: tuple[Container, ...] = ()
    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    pins: Pins = field(default_factory=Pins)
    events: tuple[Any, ...] = ()
    unreadable: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)

    @cached_property
    def by_id(self) -> dict[str, Image]:
        """Images by their id."""
        return {image.id: image for image in self.images}


class _MalformedError(Exception):
    """An entry of a listing lacks what every entry has."""


def read(snapshot: Snapshot) -> Host:
    """The host of a snapshot."""
    host = Host()
    info = _expect(snapshot, host, "info", dict)
    version = _expect(snapshot, host, "version", dict)
    if version and not _new_enough(version.get("ApiVersion")):
        host.unreadable.append(f"version: API {version.get('ApiVersion')}; 1.41 or newer is needed")
    swarm = _read_info(info, host)
    host.images = _read_images(snapshot, host)
    host.containers = _read_list(snapshot, host, "containers", _container)
    if swarm == "manager":
        _read_swarm(snapshot, host)
    elif swarm == "worker":
        host.unreadable.append("services: this node is a swarm worker, which may not list them")
    host.pins = _read_pins(snapshot, host)
    host.events = tuple(event for event in snapshot.events if isinstance(event, dict))
    if "events" in snapshot.problems:
        host.unreadable.append(f"events: {snapshot.problems['events']}")
    host.reported.extend(f"image {image.id}: {image.problem}" for image in host.images if image.problem)
    host.reported.extend(host.pins.problems)
    return host


def read_swarm(services: Any, tasks: Any) -> Host:
    """The host of these raw listings alone, of which no more than its services and tasks is known."""
    host = Host()
    _read_swarm(Snapshot({"services": services, "tasks": tasks}), host)
    return host


def _read_swarm(snapshot: Snapshot, host: Host) -> None:
    host.services = _read_list(snapshot, host, "services", _service)
    host.tasks = _read_list(snapshot, host, "tasks", _task)


def _expect(snapshot: Snapshot, host: Host, name: str, kind: type) -> Any:
    answer = snapshot.answers.get(name)
    if isinstance(answer, kind):
        return answer
    reason = snapshot.problems.get(name) or f"a JSON {kind.__name__} was expected"
    host.unreadable.append(f"{name}: {reason}")
    return kind()


def _read_list(snapshot: Snapshot, host: Host, name: str, read_entry: Any) -> Any:
    entries = []
    for number, raw in enumerate(_expect(snapshot, host, name, list)):
        try:
            entries.append(read_entry(raw))
        except (_MalformedError, AttributeError, TypeError, ValueError, KeyError) as error:
            host.unreadable.append(f"{name}: entry {number} makes no sense ({error})")
    return tuple(sorted(entries, key=lambda entry: entry.id if hasattr(entry, "id") else entry.name))


def _read_info(info: dict[str, Any], host: Host) -> str:
    """Take store and root folder from `info`; returns `manager`, `worker`, `none` or, unreadable, empty."""
    if not info:
        return ""
    status = info.get("DriverStatus") or []
    kinds = {pair[0]: pair[1] for pair in status if isinstance(pair, list) and len(pair) == 2}
    if str(kinds.get("driver-type", "")).startswith("io.containerd.snapshotter"):
        host.store = CONTAINERD
    root = info.get("DockerRootDir")
    if isinstance(root, str) and root:
        host.root = root
    swarm = info.get("Swarm")
    state = swarm.get("LocalNodeState") if isinstance(swarm, dict) else None
    if state == "inactive":
        return "none"
    if state == "active":
        return "manager" if isinstance(swarm, dict) and swarm.get("ControlAvailable") is True else "worker"
    host.unreadable.append(f"info: the swarm's state is {state!r}")
    return ""


def _new_enough(version: Any) -> bool:
    major, _, minor = str(version).partition(".")
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) >= LOWEST_API


def _read_images(snapshot: Snapshot, host: Host) -> tuple[Image, ...]:
    inspects = _expect(snapshot, host, "image_inspect", dict)

    def entry(raw: Any) -> Image:
        return _image(raw, inspects)

    images: tuple[Image, ...] = _read_list(snapshot, host, "images", entry)
    merged: dict[str, Image] = {}
    for image in images:  # the containerd store of some engines lists an image once per name
        known = merged.get(image.id)
        merged[image.id] = image if known is None else _joined(known, image)
    return tuple(merged.values())


def _joined(one: Image, other: Image) -> Image:
    return Image(
        one.id,
        tuple(sorted({*one.tags, *other.tags})),
        tuple(sorted({*one.digests, *other.digests})),
        one.layers or other.layers,
        one.parent or other.parent,
        max(one.size, other.size),
        one.problem or other.problem,
        max(one.created, other.created),
    )


def _image(raw: Any, inspects: dict[str, Any]) -> Image:
    identity = _text(raw, "Id")
    if not references.digest_of(identity):
        raise _MalformedError(f"the id {identity!r}")
    inspect = inspects.get(identity)
    layers: tuple[str, ...] = ()
    parent = raw.get("ParentId") or ""
    problem = ""
    if not isinstance(inspect, dict):
        problem = "there is no inspect answer"
    elif not isinstance(inspect.get("RootFS"), dict):
        problem = str(inspect.get("message") or "its inspect answer has no RootFS")
    else:
        found = inspect["RootFS"].get("Layers") or []
        layers = tuple(str(layer) for layer in found)
        parent = parent or inspect.get("Parent") or ""
    return Image(
        identity,
        _names(raw.get("RepoTags")),
        _names(raw.get("RepoDigests")),
        layers,
        str(parent),
        int(raw.get("Size") or 0),
        problem,
        float(raw.get("Created") or 0),
    )


def _names(raw: Any) -> tuple[str, ...]:
    """References of a listing without Docker's ways to say that there is none."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise _MalformedError("references that are no list")
    return tuple(sorted({str(text) for text in raw if references.parse(str(text)) is not None}))


def _container(raw: Any) -> Container:
    names = raw.get("Names") or [raw.get("Id", "")]
    image, image_id = raw.get("Image") or "", raw.get("ImageID") or ""
    if not image and not image_id:
        raise _MalformedError("a container without an image")
    labels = raw.get("Labels") or {}
    mounts = raw.get("Mounts") or []
    return Container(
        str(names[0]).lstrip("/"),
        str(image),
        str(image_id),
        raw.get("State") in ("running", "restarting", "paused"),
        SWARM_TASK in labels,
        _mounted(mounts),
    )


def _mounted(mounts: Any) -> tuple[str, ...]:
    """The images among the mounts of a container or of a service's spec.

    A spec has the image in `Source`; a container has it in `Name`, and a folder in `Source` (moby's
    `registerMountPoints`).
    """
    images = (mount for mount in mounts if isinstance(mount, dict) and mount.get("Type") == "image")
    named = (mount.get("Name") or mount.get("Source") for mount in images)
    return tuple(str(name) for name in named if name)


def _service(raw: Any) -> Service:
    spec = raw["Spec"] if isinstance(raw.get("Spec"), dict) else None
    if spec is None:
        raise _MalformedError("a service without a spec")
    template = spec.get("TaskTemplate") or {}
    mode = spec.get("Mode") or {}
    replicated = mode.get("Replicated")
    replicas = None
    if isinstance(replicated, dict):
        given = replicated.get("Replicas")
        replicas = 1 if given is None else int(given)
    update = raw.get("UpdateStatus") or {}
    restart = (template.get("RestartPolicy") or {}).get("Condition") or "any"
    container = template.get("ContainerSpec") or {}
    return Service(
        _text(raw, "ID"),
        str(spec.get("Name") or raw["ID"]),
        str(container.get("Image") or ""),
        _spec_image(raw.get("PreviousSpec")),
        str((spec.get("Labels") or {}).get(STACK_IMAGE) or ""),
        parse_moment(raw.get("UpdatedAt")),
        str(update.get("State") or ""),
        replicas,
        "ReplicatedJob" in mode or "GlobalJob" in mode,
        str(restart),
        _mounted(container.get("Mounts") or []),
    )


def read_service(raw: Any) -> Optional[Service]:
    """The service of a raw answer; None when it makes no sense."""
    try:
        return _service(raw)
    except (_MalformedError, AttributeError, TypeError, ValueError, KeyError):
        return None


def _spec_image(spec: Any) -> str:
    if not isinstance(spec, dict):
        return ""
    return str(((spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}).get("Image") or "")


def _task(raw: Any) -> Task:
    status = raw.get("Status")
    if not isinstance(status, dict) or not status.get("State"):
        raise _MalformedError("a task without a state")
    spec = raw.get("Spec") or {}
    service = str(raw.get("ServiceID") or "")
    slot = raw.get("Slot")
    return Task(
        _text(raw, "ID"),
        service,
        f"{service}/{slot}" if slot else f"{service}/{raw.get('NodeID') or ''}",
        str((spec.get("ContainerSpec") or {}).get("Image") or ""),
        str(status["State"]),
        str(raw.get("DesiredState") or "running"),
        str(raw.get("CreatedAt") or ""),
        parse_moment(status.get("Timestamp")),
    )


def _text(raw: Any, key: str) -> str:
    value = raw.get(key) if isinstance(raw, dict) else None
    if not isinstance(value, str) or not value:
        raise _MalformedError(f"no {key}")
    return value


def _read_pins(snapshot: Snapshot, host: Host) -> Pins:
    raw = snapshot.answers.get("pins")
    if raw is None:
        if "pins" in snapshot.problems:
            host.unreadable.append(f"pins: {snapshot.problems['pins']}")
        return Pins()
    if isinstance(raw, list):
        raw = {"images": raw}
    try:
        return Pins(
            tuple(sorted(_pair(item) for item in raw.get("images") or ())),
            tuple(sorted(_pair(item) for item in raw.get("repositories") or ())),
            tuple(str(problem) for problem in raw.get("problems") or ()),
        )
    except (AttributeError, TypeError, ValueError) as error:
        host.unreadable.append(f"pins: makes no sense ({error})")
        return Pins()


def _pair(item: Any) -> tuple[str, str]:
    if isinstance(item, str):
        return item, "a recipe"
    name, recipe = item
    return str(name), str(recipe)
