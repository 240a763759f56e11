"""The host is looked at again where a restart may have changed what was found."""

import pytest

from ccci_host.records import HostSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import host, moment_witnesses
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine


def test_it_is_looked_at_after_every_redeploy_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(machine: Machine) -> HostSeen:
        return HostSeen(pull_overrides=("registry mirror https://mirror.example",))

    monkeypatch.setattr(host, "look", look)
    [witness] = [one for one in moment_witnesses() if isinstance(one, host.HostWitness)]
    assert witness.moments == {"redeployed", "end"}
    seen = witness.look(fake_machine(FakeExecutor()), "redeployed", 2)
    assert (seen.moment, seen.cycle) == ("redeployed", 2)
    assert seen.pull_overrides == ("registry mirror https://mirror.example",)
