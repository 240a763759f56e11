"""Whether the swarm has one node, so that there is one store to watch."""

from ccci_host.checks.finding import Answer, NoEvidenceError, passed, unknown
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
    host = history.last(HostSeen)
    if host is None or host.swarm_nodes is None:
        raise NoEvidenceError(
            "Nobody knows how many nodes the swarm has.", todo="Run on a host that is a swarm manager."
        )
    if host.swarm_nodes != 1:
        return unknown(
            f"The swarm has {host.swarm_nodes} nodes, and only one of them was watched.",
            todo="Prove retention on a swarm of one node.",
        )
    return passed("The swarm has one node.")
