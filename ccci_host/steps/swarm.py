"""A swarm is there, and this node manages it. An existing swarm is left as it is."""

from ccci_host.errors import HostError
from ccci_host.facts.collector import Facts
from ccci_host.facts.docker import DOCKER
from ccci_host.facts.host import HOST
from ccci_host.steps.host import running_docker
from ccci_host.steps.operations import RunCommand
from ccci_host.steps.step import Change, Plan, Step, Wanted


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """A swarm of one where there is none; raises `HostError` for a swarm that this node does not manage."""
    swarm = running_docker(facts, wanted).swarm
    if swarm.state == "inactive":
        interface = facts[HOST].default_interface or "lo"
        argv = ("docker", "swarm", "init", "--advertise-addr", interface)
        return Plan("there is no swarm", (Change(RunCommand(argv), f"a swarm of one node, on {interface}"),))
    if swarm.state != "active":
        raise HostError(
            f"The swarm of {wanted.host} is {swarm.state}.",
            details=swarm.error,
            resolution="`docker swarm unlock` opens a locked one; for others see `docker info` on the host.",
        )
    if not swarm.is_manager:
        raise HostError(
            f"{wanted.host} is a worker in its swarm.",
            details="Only a manager may list services, and what it cannot list it cannot keep.",
            resolution="Name the manager in ccci.toml, or `docker node promote` this node.",
        )
    if swarm.nodes > 1:
        return Plan(
            f"this node manages a swarm of {swarm.nodes}",
            warnings=(
                f"The swarm has {swarm.nodes} nodes: tasks may run on others, and then no proof about this "
                "node's store says PASS.",
            ),
        )
    return Plan("this node manages a swarm of one")


STEP = Step("swarm", after=("ssh",), facts=lambda _: (HOST, DOCKER), plan=plan)
