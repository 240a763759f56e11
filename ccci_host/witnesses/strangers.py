"""What else lives on the host: services, containers and volumes that are not of the experiment.

An experiment must leave them as they were; so must a control and a fault. What is of the experiment is known
by the name of its stack.
"""

import json
import re
from typing import Any

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.answers import Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.probes import DockerGet
from ccci_host.facts.probes import DockerGetEach as Each
from ccci_host.records import Moment, StrangeContainer, StrangersSeen
from ccci_host.transport.machine import Machine

OWN_STACK = re.compile(r"ccci-[a-z0-9-]+--[a-z0-9]+_test")
"""The name of an experiment's stack. One of `invoke deploy` has no token in it, and is its operator's."""
STACK_LABEL = "com.docker.stack.namespace"

_CONTAINERS = Each("/containers/json?all=1", "Id", "/containers/{}/json", ".")
_SERVICES = DockerGet("/services")
_VOLUMES = DockerGet("/volumes")


class StrangersWitness:
    """Looks at the beginning and at the end."""

    moments: frozenset[Moment] = frozenset({"start", "end"})

    def look(self, machine: Machine, moment: Moment, cycle: int) -> StrangersSeen:
        """Everybody else, now."""
        try:
            return collect(machine, STRANGERS)[STRANGERS].model_copy(
                update={"moment": moment, "cycle": cycle}
            )
        except (CommandFailedError, HostError) as error:
            return StrangersSeen(moment=moment, cycle=cycle, problem=str(error))


def parse(answers: Answers) -> StrangersSeen:
    """The record, of a moment that the caller fills in."""
    lists = {}
    for name, answer in (("containers", answers[_CONTAINERS]), ("volumes", answers[_VOLUMES])):
        if not isinstance(answer, Present):
            reason = answer.reason if isinstance(answer, Unreadable) else "there is no Docker socket"
            return StrangersSeen(moment="start", problem=f"{name}: {reason}")
        lists[name] = json.loads(answer.content)
    services = answers[_SERVICES]  # a daemon outside a swarm answers 503: it has none
    volumes = lists["volumes"].get("Volumes") or []
    return StrangersSeen(
        moment="start",
        services=tuple(
            sorted(
                (service["Spec"]["Name"], service["Version"]["Index"])
                for service in (json.loads(services.content) if isinstance(services, Present) else [])
                if not is_own(service["Spec"].get("Labels"))
            )
        ),
        containers=tuple(
            sorted(
                (_container(one) for one in lists["containers"] if not is_own(one["Config"]["Labels"])),
                key=lambda container: container.id,
            )
        ),
        volumes=tuple(sorted(one["Name"] for one in volumes if not is_own(one.get("Labels")))),
    )


def is_own(labels: dict[str, str] | None) -> bool:
    """Whether a thing with these labels is of an experiment's stack."""
    return OWN_STACK.fullmatch((labels or {}).get(STACK_LABEL, "")) is not None


def _container(one: dict[str, Any]) -> StrangeContainer:
    return StrangeContainer(
        id=one["Id"],
        name=one["Name"].lstrip("/"),
        image=one["Image"],
        state=one["State"]["Status"],
        started_at=one["State"]["StartedAt"],
        restarts=one["RestartCount"],
        service=(one["Config"]["Labels"] or {}).get("com.docker.swarm.service.name", ""),
    )


STRANGERS = Fact("strangers", (_CONTAINERS, _SERVICES, _VOLUMES), parse)

WITNESS = StrangersWitness()
