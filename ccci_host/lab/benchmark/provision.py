"""What `invoke provision` takes on a host where nothing is to be done, beside Ansible and pyinfra.

All three on one instance, in turns, over SSH, each a whole command from its start to its end. That they ask
for the same is shown first: each meets a spoilt host, and our own look finds nothing to do after it.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ccci_host import checkout, config
from ccci_host.errors import HostError, tail
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.benchmark.peers import Tool, files_of, peers
from ccci_host.lab.keys import Keys
from ccci_host.lab.lab import Lab
from ccci_host.progress import doing
from ccci_host.provision import provision
from ccci_host.steps.agent import RUNNING_UNITS
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed, Executor
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine

INSTANCE = "benchmark-provision"
TIMES = 5
OF_ANSIBLE, OF_PYINFRA, TRIPS = 0.1, 0.5, 2
"""The budgets: two ratios of time, and round trips."""
SPOIL = """
timer=$1 watcher=$2
shift 2
systemctl disable --quiet --now "$timer" "$watcher"
for file; do echo >>"$file"; chmod 640 "$file"; done
docker swarm leave --force
"""
"""Shell; its arguments are the units that run, and files."""


def measure(lab: Lab) -> Sequence[Figure]:
    """Two ratios of medians, with the seconds, and the round trips."""
    lab.instance("classic", name=INSTANCE, anew=True)
    try:
        name, table = config.load(lab.config_path).select(f"{INSTANCE}-remote")
        with open_machine(name, table) as machine:
            provision(machine)
            trips = _trips(machine)
            with peers(machine.instance, table, Keys(lab.settings.keys)) as (ansible, pyinfra):
                tools = (_ours(lab, name), ansible, pyinfra)
                for tool in tools:
                    _mend(machine, tool)
                ours, of_ansible, of_pyinfra = _medians(tools)
    finally:
        lab.remove(INSTANCE)
    what = "provision with nothing to do"
    return [
        _beside(what, ours, ansible.name, of_ansible, OF_ANSIBLE),
        _beside(what, ours, pyinfra.name, of_pyinfra, OF_PYINFRA),
        Figure(f"{what}: round trips", trips, TRIPS, "trips", "commands on the host, connecting aside"),
    ]


def _beside(what: str, ours: float, name: str, other: float, budget: float) -> Figure:
    how = f"{ours:.2f} s to {other:.2f} s of {name}; medians of {TIMES}, HTTPS and SSH"
    return Figure(f"{what}, beside {name.partition(' ')[0]}", ours / other, budget, "x", how)


def _ours(lab: Lab, host: str) -> Tool:
    argv = [str(checkout.ROOT / "ccci"), "provision", "--host", host, "--json"]
    return Tool("ccci", argv, {config.ENVIRONMENT_VARIABLE: str(lab.config_path)}, our_changes)


def our_changes(done: Completed) -> int:
    """The steps that changed something."""
    return sum(step["state"] == "changed" for step in json.loads(done.stdout)["steps"])


def _mend(machine: Machine, tool: Tool) -> None:
    """Let `tool` mend all that it is to look at: it would be quick, too, where it does not look."""
    files, units = files_of(machine.config)
    spoil = ["sh", "-euc", SPOIL, "spoil", *RUNNING_UNITS, *files, *units]
    with doing(f"spoiling the host for {tool.name}, which mends it"):
        machine.executor.run(spoil).check()
        changes = tool.changes(tool.run().done)
        left = provision(machine, check=True)
    if not changes or left.exit_code:
        raise HostError(
            f"{tool.name} does not bring about what is measured: it changed {changes} things.",
            details=left.to_text(diff=True),
        )


def _medians(tools: Sequence[Tool]) -> list[float]:
    """Seconds of each; raises `HostError` where one of them changed something after all."""
    seconds: dict[str, list[float]] = {tool.name: [] for tool in tools}
    for turn in range(1, TIMES + 1):
        for tool in tools:
            with doing(f"{tool.name}, {turn} of {TIMES}"):
                took = tool.run()
            if changes := tool.changes(took.done):
                raise HostError(
                    f"{tool.name} changed {changes} things where there was nothing to do.",
                    details=tail(took.done.stdout),
                )
            seconds[tool.name].append(took.seconds)
    return [statistics.median(each) for each in seconds.values()]


def _trips(machine: Machine) -> int:
    """Commands that a provisioning with nothing to do runs on the host."""
    counting = Counting(machine.executor)
    if provision(replace(machine, executor=counting)).changed:
        raise HostError(f"A second provisioning of {machine.name} changed something.")
    return counting.count


@dataclass
class Counting:
    """An executor that counts what goes through it."""

    executor: Executor
    count: int = 0

    @property
    def where(self) -> str:
        """That of the executor behind it."""
        return self.executor.where

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        """Count it, and run it."""
        self.count += 1
        return self.executor.run(argv, input=input, timeout=timeout)

    def close(self) -> None:
        """Close the executor behind it."""
        self.executor.close()
