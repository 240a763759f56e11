"""The lease of a first experiment goes when its time is over, whoever was cut off while taking it."""

import json

import pytest

from ccci_host.experiments.lease import AGENT
from ccci_host.faults import injected
from ccci_host.faults.second_experiment import FAULT
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table


class Agent:
    """Keeps leases; the answer to a request for one may never come."""

    def __init__(self, *, silent: bool) -> None:
        self.leases = {"theirs": "Ana"}
        self._silent = silent
        self.executor = FakeExecutor({f"{AGENT} lease": self._lease, f"{AGENT} status --json": self._status})

    def _lease(self, argv: tuple[str, ...], _: bytes) -> Completed:
        if "--release" in argv:
            del self.leases[argv[-1]]
            return completed(argv[-1])
        self.leases["ours"] = argv[-1]
        if self._silent:
            raise KeyboardInterrupt
        return completed("ours\n")

    def _status(self, *_: object) -> Completed:
        leases = [{"id": name, "owner": owner, "until": "noon"} for name, owner in self.leases.items()]
        return completed(json.dumps({"leases": leases}))


def test_it_is_held_within_and_nobody_elses_goes() -> None:
    agent = Agent(silent=False)
    with injected(FAULT, fake_machine(agent.executor, host_table(disposable=True))):
        assert set(agent.leases) == {"theirs", "ours"}
    assert set(agent.leases) == {"theirs"}


def test_one_whose_id_never_came_goes_as_well() -> None:
    agent = Agent(silent=True)
    machine = fake_machine(agent.executor, host_table(disposable=True))
    with pytest.raises(KeyboardInterrupt), injected(FAULT, machine):
        raise AssertionError("never reached")
    assert set(agent.leases) == {"theirs"}
