"""A swarm of two nodes: a task might have run, and pulled, where no witness looked."""

from ccci_host import config
from ccci_host.faults import Fault
from ccci_host.lab.lab import Lab
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

NODE = "fault-node"
_NODES = ("docker", "node", "ls", "--format", "{{.Hostname}}")


class SecondNode(Fault):
    """Another instance of the lab joins the swarm as a worker, and goes down; the swarm still lists it."""

    name = "second-swarm-node"
    task = "verify-pc3"
    expected = Verdict.UNKNOWN
    check = "one-swarm-node"
    because = "and only one of them was watched"

    def inject(self, machine: Machine) -> None:
        """Make the instance, and let it join and leave."""
        lab = Lab.default()
        lab.instance("classic", name=NODE, data_gb=1.0)
        token = machine.executor.run(["docker", "swarm", "join-token", "--quiet", "worker"]).check().text
        manager = f"{machine.instance.address()}:2377"
        with open_machine(*config.load(lab.config_path).select(NODE)) as node:
            for words in (["leave", "--force"], ["join", "--token", token, manager], ["leave"]):
                node.executor.run(["docker", "swarm", *words], timeout=120).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether the swarm lists it."""
        return NODE in machine.executor.run(_NODES).check().text.split()

    def revert(self, machine: Machine) -> None:
        """Take it from the list, and remove the instance."""
        if self.is_present(machine):
            machine.executor.run(["docker", "node", "rm", "--force", NODE]).check()
        Lab.default().remove(NODE)


FAULT = SecondNode()
