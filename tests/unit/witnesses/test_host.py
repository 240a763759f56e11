"""The host is looked at again where a restart may have changed what was found."""

import json
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Answer, Present
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import DockerGet, FileSystem
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


def test_the_disk_of_another_data_root_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(percent: int) -> Present:
        sizes = {"bytes": 100, "bytes_free": 100 - percent, "bytes_available": 100 - percent}
        return Present(json.dumps({**sizes, "inodes": 0, "inodes_free": 0}).encode())

    def answer(probe: Any) -> Answer:
        if isinstance(probe, FileSystem):
            return {"/var/lib/docker": full(10), "/data/docker": full(97)}.get(probe.path, Absent())
        if isinstance(probe, DockerGet):
            said = {"DockerRootDir": "/data/docker", "Version": "26.1.5", "ApiVersion": "1.45"}
            return Present(json.dumps(said).encode())
        return Absent()

    def collect(machine: object, *facts: Fact[Any]) -> dict[Fact[Any], Any]:
        return {fact: fact.parse(Answers({probe: answer(probe) for probe in fact.probes})) for fact in facts}

    monkeypatch.setattr(host, "collect", collect)
    machine = fake_machine(FakeExecutor())
    monkeypatch.setattr(machine.instance, "kind", "container", raising=False)
    seen = host.look(machine)
    assert (seen.data_root, seen.disk_used_percent) == ("/data/docker", 97.0)
