"""Containers and swarm services that remove images.

A container that holds the Docker socket is no janitor for that alone: traefik holds it too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.own_removal import is_removal
from ccci_host.facts.probes import DockerGet, DockerGetEach
from ccci_host.facts.pruner import Audit, Pruner
from ccci_host.facts.updaters import UPDATERS, removing_setting
from ccci_host.prune_words import HINT, is_janitor_image, removal_words

REACHES_DOCKER = rf'docker\.sock|"/(?:var/)?run/?"|{UPDATERS}'
"""What a listing shows of containers that may reach the daemon: its socket, the folder that this is in, or an
image that is known to, through a proxy."""
CONTAINERS = DockerGetEach(
    "/containers/json?all=1", "Id", "/containers/{}/json", matching=rf"{REACHES_DOCKER}|{HINT}"
)
SERVICES = DockerGet("/services")
INFO = DockerGet("/info")
PROBES = (CONTAINERS, SERVICES, INFO)

_TRUE = frozenset({"1", "t", "true", "yes"})
_SERVICE_OF_CONTAINER = "com.docker.swarm.service.name"
_CRON_LABEL = "swarm.cronjob.enable"


@dataclass(frozen=True, slots=True)
class _Removal:
    command: str
    told_by: str = ""
    """The setting that only tells the container of it; empty where it is what the container runs."""


def pruning_containers(answers: Answers) -> Audit:
    """The containers and services among a host's answers that remove images."""
    containers, services, info = answers[CONTAINERS], answers[SERVICES], answers[INFO]
    unreadable = [f"containers: {containers.reason}"] if isinstance(containers, Unreadable) else []
    pruners: list[Pruner] = []
    if isinstance(containers, Present):
        pruners += _containers(json.loads(containers.content))
    if isinstance(services, Present):
        pruners += _services(json.loads(services.content))
    elif not isinstance(info, Absent) and not _no_services_here(info):
        reason = services.reason if isinstance(services, Unreadable) else "the daemon knows no services"
        unreadable.append(f"swarm services: {reason}")
    return Audit(tuple(pruners), tuple(unreadable))


def _no_services_here(info: Present | Unreadable) -> bool:
    if isinstance(info, Unreadable):
        return False
    swarm = json.loads(info.content).get("Swarm") or {}
    return bool(swarm.get("LocalNodeState", "inactive") == "inactive")


def _containers(details: list[dict[str, Any]]) -> Iterator[Pruner]:
    for detail in details:
        config = detail["Config"]
        labels = config.get("Labels") or {}
        if _SERVICE_OF_CONTAINER in labels:
            continue  # its service is what can be stopped
        removal = _removal(
            config["Image"],
            [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())],
            config.get("Env") or (),
            labels,
        )
        if removal is None:
            continue
        state = detail["State"]
        name = detail["Name"].lstrip("/")
        pruner = Pruner(
            kind="container",
            name=name,
            command=removal.command,
            active=bool(state.get("Running") or state.get("Restarting")) or _comes_back(detail),
            remedy=f"`docker update --restart no {name}`, `docker stop {name}`.",
            stop=(("docker", "update", "--restart", "no", name), ("docker", "stop", name)),
        )
        if removal.told_by:
            pruner = pruner.left_to_a_person(
                f"It may do other work too: take {removal.told_by} out of what makes the container, "
                "and make it anew."
            )
        yield pruner


def _comes_back(detail: dict[str, Any]) -> bool:
    """Whether dockerd starts it when it starts itself, stopped by hand or not."""
    policy = (detail.get("HostConfig") or {}).get("RestartPolicy") or {}
    return bool(policy.get("Name") == "always")


def _services(services: list[dict[str, Any]]) -> Iterator[Pruner]:
    for service in services:
        spec = service["Spec"]
        task = spec["TaskTemplate"].get("ContainerSpec") or {}
        labels = {**(spec.get("Labels") or {}), **(task.get("Labels") or {})}
        removal = _removal(
            task.get("Image", ""),
            [*(task.get("Command") or ()), *(task.get("Args") or ())],
            task.get("Env") or (),
            labels,
        )
        if removal is None:
            continue
        replicated = (spec.get("Mode") or {}).get("Replicated")
        is_cron_job = labels.get(_CRON_LABEL, "").lower() in _TRUE
        name = spec["Name"]
        pruner = Pruner(
            kind="service",
            name=name,
            command=removal.command,
            active=is_cron_job or replicated is None or bool(replicated.get("Replicas")),
            remedy=f"`docker service rm {name}`, or take it out of the stack that declares it.",
            stop=_stop(name, is_cron_job, replicated is not None),
        )
        if removal.told_by:
            pruner = pruner.left_to_a_person(
                f"It may do other work too: take {removal.told_by} out of the service with `docker service "
                "update`, and out of the stack that declares it."
            )
        yield pruner


def _stop(name: str, is_cron_job: bool, is_replicated: bool) -> tuple[tuple[str, ...], ...]:
    """Commands that keep the service from running; none for a global one, which cannot be scaled."""
    commands: list[tuple[str, ...]] = []
    if is_cron_job:
        commands.append(("docker", "service", "update", "--detach", "--label-rm", _CRON_LABEL, name))
    if is_replicated:
        commands.append(("docker", "service", "scale", "--detach", f"{name}=0"))
    return tuple(commands) if is_replicated else ()


def _removal(
    image: str, argv: Sequence[str], environment: Sequence[str], labels: Mapping[str, str]
) -> _Removal | None:
    """What this container does that removes images, or None."""
    command = " ".join(argv)
    if is_janitor_image(image):
        return _Removal(image)
    in_command = removal_words(command)
    if in_command and is_removal(command):
        return _Removal(in_command)
    setting = removing_setting(image, argv, environment)
    if setting is not None:
        return _Removal(f"{image} with {setting}")
    told = (
        (command, "that part of its command"),
        *((text, f"its variable {text.partition('=')[0]}") for text in environment),
        *((f"{name}={value}", f"its label {name}") for name, value in labels.items()),
    )
    return next((_Removal(words, by) for text, by in told if (words := removal_words(text))), None)
