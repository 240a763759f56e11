"""The experiments' own stacks on a host, and everybody's that has not converged."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ccci_host.agent.clock import parse_moment
from ccci_host.agent.gates import not_converged, under_way
from ccci_host.agent.host import Service, Task, read_swarm
from ccci_host.errors import HostError
from ccci_host.facts.answers import Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.docker import INFO
from ccci_host.facts.probes import DockerGet
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.strangers import OWN_STACK, STACK_LABEL, is_own

MADE_FOR = "ccci-host.stack"
"""The label of a secret that the suite generated: the stack that it is for."""

_SERVICES = DockerGet("/services")
_TASKS = DockerGet("/tasks")
_CONTAINERS = DockerGet("/containers/json")
_SERVICE_LABEL = "com.docker.swarm.service.name"
_SECRETS = DockerGet("/secrets")
_OWN_SECRET = re.compile(rf"({OWN_STACK.pattern})_")
_OTHERS = {
    "secret": _SECRETS,
    "config": DockerGet("/configs"),
    "network": DockerGet("/networks"),
    "volume": DockerGet("/volumes"),
}


class Thing(NamedTuple):
    """What there is of a stack."""

    stack: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Stacks:
    """What there is of stacks on a host."""

    things: tuple[Thing, ...]
    """Of the stacks that experiments made."""
    unconverged: tuple[str, ...]
    """Services of others that have not the tasks that they want, by the agent's judgement."""
    strangers: tuple[str, ...]
    """Services and other running containers that no experiment made."""
    deploying: tuple[str, ...] = ()
    """Those of them for which the agent waits as well, which is not for ever, and what each lacks."""

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the stacks that experiments made, by anything that is left of them."""
        return tuple(sorted({thing.stack for thing in self.things}))


def look(machine: Machine) -> Stacks:
    """The stacks now; raises `HostError` when the daemon does not list all that may be of one."""
    return collect(machine, STACKS)[STACKS]


def let_go(machine: Machine, *names: str) -> None:
    """Have the swarm remove these stacks, without waiting: it takes seconds, and nobody needs them.

    What they leave for a moment, and what is not the swarm's, goes with the teardown at the run's end, which
    also says what stays. The exit code is not asked for that reason: a network that a task has just come to
    use makes it 1 (measured, 26.1.5).
    """
    machine.executor.run(["docker", "stack", "rm", *names])


def parse(answers: Answers) -> Stacks:
    """Read the listings."""
    things, strangers = [], []
    for service in _listed(answers, _SERVICES, "services"):
        name, labels = service["Spec"]["Name"], service["Spec"].get("Labels") or {}
        if is_own(labels):
            things.append(Thing(labels[STACK_LABEL], "service", name))
        else:
            strangers.append(name)
    for container in _listed(answers, _CONTAINERS, "containers"):
        labels = container.get("Labels") or {}
        if not is_own(labels) and _SERVICE_LABEL not in labels:
            strangers.append(container["Names"][0].lstrip("/"))
    for kind, probe in _OTHERS.items():
        things += _things(kind, _listed(answers, probe, f"{kind}s"))
    others, now = _others(answers), _now(answers)
    unconverged = [service.name for service, tasks in others if not_converged(service, tasks)]
    lacks = {service.name: under_way(service, tasks, now) for service, tasks in others}
    deploying = [f"{name}: {lacking}" for name, lacking in lacks.items() if lacking]
    found = (things, unconverged, strangers, deploying)
    return Stacks(*(tuple(sorted(some)) for some in found))


def _others(answers: Answers) -> list[tuple[Service, list[Task]]]:
    """The services that no experiment made, and the tasks of each, as the agent reads them."""
    services = _listed(answers, _SERVICES, "services")
    others = [service for service in services if not is_own(service["Spec"].get("Labels"))]
    swarm = read_swarm(others, _listed(answers, _TASKS, "tasks"))
    if swarm.unreadable:
        raise HostError(
            "What the Docker daemon lists of its swarm makes no sense.", details="; ".join(swarm.unreadable)
        )
    return [
        (service, [task for task in swarm.tasks if task.service == service.id]) for service in swarm.services
    ]


def _now(answers: Answers) -> float:
    """The host's own time in epoch seconds, by which its daemon says when a service was updated."""
    told = _listed(answers, INFO, "settings").get("SystemTime")
    moment = parse_moment(told)
    if moment is None:
        raise HostError("The Docker daemon does not tell the time.", details=f"It says {told!r}.")
    return moment


def _listed(answers: Answers, probe: DockerGet, what: str) -> Any:
    """A listing. One that nobody could read is not an empty one: there may be somebody in it."""
    listed = answers[probe]
    if not isinstance(listed, Present):
        raise HostError(
            f"The Docker daemon does not list its {what}.",
            details=listed.reason if isinstance(listed, Unreadable) else "It has no socket.",
            resolution="`docker service ls` on the host says more; `invoke provision` makes a swarm.",
        )
    return json.loads(listed.content)


def _things(kind: str, listing: Any) -> Iterator[Thing]:
    """Ours by their labels, and secrets by their names: a harness labels none, and may be cut off early."""
    for thing in (listing.get("Volumes") or []) if isinstance(listing, dict) else listing:
        spec = thing.get("Spec") or thing
        name, labels = spec.get("Name", ""), spec.get("Labels") or {}
        marks = [str(labels.get(label, "")) for label in (STACK_LABEL, MADE_FOR)]
        named = _OWN_SECRET.match(name) if kind == "secret" else None
        stack = next(filter(OWN_STACK.fullmatch, marks), named[1] if named else None)
        if stack is not None:
            yield Thing(stack, kind, name)


STACKS = Fact("stacks", (INFO, _SERVICES, _TASKS, _CONTAINERS, *_OTHERS.values()), parse)
