"""What else lives on the host: services, containers and volumes that are not of the experiment.

An experiment must leave them as they were; so must a control and a fault. What is of the experiment is known
by the name of its stack. How a container came to its end the daemon's events say, while it remembers them.
"""

import hashlib
import json
import re
from typing import Any

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.probes import DockerGet
from ccci_host.facts.probes import DockerGetEach as Each
from ccci_host.records import DaemonEvent, Moment, StrangeContainer, StrangersSeen, StrangeService
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import DOCKER_SOCKET, source

OWN_STACK = re.compile(r"ccci-[a-z0-9-]+--[a-z0-9]+_test")
"""The name of an experiment's stack. One of `invoke deploy` has no token in it, and is its operator's."""
STACK_LABEL = "com.docker.stack.namespace"
ANONYMOUS = "com.docker.volume.anonymous"

_CONTAINERS = Each("/containers/json?all=1", "Id", "/containers/{}/json", ".")
_SERVICES = DockerGet("/services?status=true")
_VOLUMES = DockerGet("/volumes")
_NO_MANAGER = re.compile(r"answered (406|503): .*not a swarm manager")
"""What an answer says where the daemon itself says that it is no swarm manager: it has no services."""
_ENDS = ("kill", "die", "stop")
_CRON = "swarm.cronjob."
"""How the labels begin by which swarm-cronjob starts a service on a schedule."""
_GO_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
"""What Go's `ParseBool` takes for true."""


class StrangersWitness:
    """Looks at the beginning and at the end."""

    moments: frozenset[Moment] = frozenset({"start", "end"})

    def look(self, machine: Machine, moment: Moment, cycle: int) -> StrangersSeen:
        """Everybody else, now."""
        try:
            seen = collect(machine, STRANGERS)[STRANGERS]
            told = machine.run_python(
                source("events"), {"socket": DOCKER_SOCKET, "since": 1.0}, repeatable=True
            )
            return seen.model_copy(update={"moment": moment, "cycle": cycle, **ends(told)})
        except (CommandFailedError, HostError) as error:
            return StrangersSeen(moment=moment, cycle=cycle, problem=str(error))


def parse(answers: Answers) -> StrangersSeen:
    """The record, of a moment that the caller fills in."""
    lists = {}
    for name, answer in (
        ("containers", answers[_CONTAINERS]),
        ("services", _or_none(answers[_SERVICES])),
        ("volumes", answers[_VOLUMES]),
    ):
        if not isinstance(answer, Present):
            reason = answer.reason if isinstance(answer, Unreadable) else "there is no Docker socket"
            return StrangersSeen(moment="start", problem=f"{name}: {reason}")
        lists[name] = json.loads(answer.content)
    services = [service for service in lists["services"] if not is_own(service["Spec"].get("Labels"))]
    # One without a name goes with its container, when that was to be removed at its end.
    volumes = [
        one for one in lists["volumes"].get("Volumes") or [] if ANONYMOUS not in (one.get("Labels") or {})
    ]
    return StrangersSeen(
        moment="start",
        services=tuple(
            sorted((service["Spec"]["Name"], service["Version"]["Index"]) for service in services)
        ),
        states=tuple(sorted(map(_service, services), key=lambda service: service.name)),
        containers=tuple(
            sorted(
                (_container(one) for one in lists["containers"] if not is_own(one["Config"]["Labels"])),
                key=lambda container: container.id,
            )
        ),
        volumes=tuple(sorted(one["Name"] for one in volumes if not is_own(one.get("Labels")))),
    )


def ends(told: dict[str, Any]) -> dict[str, Any]:
    """Of the daemon's events those by which strangers' containers ended, and how far back it remembers."""
    events = [DaemonEvent(**event) for event in told.get("events", ())]
    return {
        "host_clock": told["clock"],
        "ends": tuple(
            event
            for event in events
            if event.type == "container" and event.action in _ENDS and not OWN_STACK.match(event.name)
        ),
        "ends_since": min((event.at for event in events), default=None),
    }


def is_own(labels: dict[str, str] | None) -> bool:
    """Whether a thing with these labels is of an experiment's stack."""
    return OWN_STACK.fullmatch((labels or {}).get(STACK_LABEL, "")) is not None


def _or_none(services: Answer) -> Answer:
    """The list of services; an empty one where the daemon is no swarm manager."""
    outside = isinstance(services, Unreadable) and _NO_MANAGER.search(services.reason)
    return Present(b"[]") if outside else services


def _service(one: dict[str, Any]) -> StrangeService:
    spec, status = one["Spec"], one.get("ServiceStatus") or {}
    return StrangeService(
        name=spec["Name"],
        image=(spec["TaskTemplate"].get("ContainerSpec") or {}).get("Image", ""),
        running=status.get("RunningTasks", 0),
        desired=status.get("DesiredTasks", 0),
        spec=_digest(spec),
        forced=spec["TaskTemplate"].get("ForceUpdate", 0),
        fired=_fired(spec),
    )


def _digest(spec: dict[str, Any]) -> str:
    """SHA-256 of a spec without `ForceUpdate`, in hexadecimal."""
    template = {key: value for key, value in spec["TaskTemplate"].items() if key != "ForceUpdate"}
    return hashlib.sha256(json.dumps({**spec, "TaskTemplate": template}, sort_keys=True).encode()).hexdigest()


def _fired(spec: dict[str, Any]) -> str:
    """The digest of what swarm-cronjob makes of a spec when it starts the service; empty where it does not.

    Besides raising `ForceUpdate` it sets the number of replicas, by a label or to 1; of a job not in each of
    its versions, and then the spec stays what it was. Source: its `worker.go`, at 0abdcde and at 72d78d6.
    """
    labels = spec.get("Labels") or {}
    if labels.get(f"{_CRON}enable") not in _GO_TRUE or not labels.get(f"{_CRON}schedule"):
        return ""
    given = labels.get(f"{_CRON}replicas", "1")
    replicas = int(given) if given.isdecimal() else 0
    mode = dict(spec.get("Mode") or {})
    for kind, number in (("Replicated", "Replicas"), ("ReplicatedJob", "MaxConcurrent")):
        if kind in mode:
            mode[kind] = {**(mode[kind] or {}), number: replicas}
    return _digest({**spec, "Mode": mode})


def _container(one: dict[str, Any]) -> StrangeContainer:
    return StrangeContainer(
        id=one["Id"],
        name=one["Name"].lstrip("/"),
        image=one["Image"],
        state=one["State"]["Status"],
        started_at=one["State"]["StartedAt"],
        finished_at=one["State"]["FinishedAt"],
        exit_code=one["State"]["ExitCode"],
        restarts=one["RestartCount"],
        restart_policy=one["HostConfig"]["RestartPolicy"]["Name"] or "no",
        auto_remove=one["HostConfig"]["AutoRemove"],
        service=(one["Config"]["Labels"] or {}).get("com.docker.swarm.service.name", ""),
    )


STRANGERS = Fact("strangers", (_CONTAINERS, _SERVICES, _VOLUMES), parse)

WITNESS = StrangersWitness()
