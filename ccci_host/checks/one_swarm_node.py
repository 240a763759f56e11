"""Whether the swarm has one node, so that there is one store to watch."""

from ccci_host.checks.finding import Answer, NoEvidenceError, passed, unknown
from ccci_host.checks.reading import looks_at_host
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, HostSeen


@check(
    pc="PC3",
    sentence="the swarm has one node",
    witnesses=("swarm nodes",),
    tasks=REDEPLOYS,
    order=44,
)
def one_swarm_node(history: History) -> Answer:
    """With several nodes a task may have run, and pulled, where no witness looked."""
    counts = [host.swarm_nodes for host in history.of(HostSeen)]
    several = [nodes for nodes in counts if nodes is not None and nodes > 1]
    if several:
        return unknown(
            f"The swarm has {max(several)} nodes, and only one of them was watched.",
            todo="Prove retention on a swarm of one node.",
        )
    if any(host.swarm_nodes != 1 for host in looks_at_host(history)):
        raise NoEvidenceError(
            "Nobody knows how many nodes the swarm has.", todo="Run on a host that is a swarm manager."
        )
    return passed("The swarm has one node.")
