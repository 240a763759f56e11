"""The experiments' own stacks on a host, and everybody's that has not converged."""

import json
import re
from typing import Any

from ccci_host.errors import HostError
from ccci_host.facts.answers import Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.probes import DockerGet
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.strangers import OWN_STACK, STACK_LABEL, is_own

MADE_FOR = "ccci-host.stack"
"""The label of a secret that the suite generated: the stack that it is for."""

_SERVICES = DockerGet("/services?status=true")
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


class Stacks:
    """What there is of stacks on a host."""

    def __init__(
        self, own: tuple[str, ...], unconverged: tuple[str, ...], strangers: tuple[str, ...]
    ) -> None:
        self.own = own
        """Names of the stacks that experiments made, by anything that is left of them."""
        self.unconverged = unconverged
        """Services of others that have not the tasks that they want."""
        self.strangers = strangers
        """Services and other running containers that no experiment made."""


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
    own: set[str] = set()
    unconverged, strangers = [], []
    for service in _listed(answers, _SERVICES, "services"):
        labels = service["Spec"].get("Labels") or {}
        if is_own(labels):
            own.add(labels[STACK_LABEL])
            continue
        strangers.append(service["Spec"]["Name"])
        status = service.get("ServiceStatus") or {}
        if status.get("RunningTasks", 0) < status.get("DesiredTasks", 0):
            unconverged.append(service["Spec"]["Name"])
    for container in _listed(answers, _CONTAINERS, "containers"):
        labels = container.get("Labels") or {}
        if not is_own(labels) and _SERVICE_LABEL not in labels:
            strangers.append(container["Names"][0].lstrip("/"))
    for kind, probe in _OTHERS.items():
        listing = _listed(answers, probe, f"{kind}s")
        own |= {stack for stack in _stacks(listing) if OWN_STACK.fullmatch(stack)}
        if probe is _SECRETS:
            own |= _named(listing)
    return Stacks(tuple(sorted(own)), tuple(sorted(unconverged)), tuple(sorted(strangers)))


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


def _named(listing: list[dict[str, Any]]) -> set[str]:
    """Stacks of ours by the names of secrets: a harness labels none, and may be cut off before its deploy."""
    found = [_OWN_SECRET.match(thing["Spec"].get("Name", "")) for thing in listing]
    return {one[1] for one in found if one}


def _stacks(listing: object) -> set[str]:
    things = (listing.get("Volumes") or []) if isinstance(listing, dict) else listing
    assert isinstance(things, list)  # noqa: S101 - the API's shape
    labels = [(thing.get("Labels") or (thing.get("Spec") or {}).get("Labels")) or {} for thing in things]
    return {str(each.get(name, "")) for each in labels for name in (STACK_LABEL, MADE_FOR)}


STACKS = Fact("stacks", (_SERVICES, _CONTAINERS, *_OTHERS.values()), parse)
