"""What each policy runs on the host, and when."""

import json
from typing import Any, cast

import pytest

from ccci_host.agent import paths
from ccci_host.lab.replay.policies import (
    POLICIES,
    Tick,
    prune_dangling,
    prune_everything,
    prune_nothing,
    retain,
)
from ccci_host.transport.machine import Instance, Machine
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine

PRESSED, CALM = Tick(80, 300), Tick(79.9, 300)


def executor(services: str = "") -> FakeExecutor:
    return FakeExecutor(
        {
            "docker image prune": completed(),
            "docker service ls --quiet": completed(services),
            f"{paths.ARCHIVE} sweep --json": completed('swept\n{"removed": []}'),
        }
    )


def lines(executor: FakeExecutor) -> list[str]:
    return [" ".join(argv) for argv, _ in executor.runs]


def test_everything_goes_on_pressure_alone() -> None:
    calm, pressed = executor(), executor("a service")
    prune_everything(fake_machine(calm), CALM)
    prune_everything(fake_machine(pressed), PRESSED)
    assert not calm.runs
    assert lines(pressed) == ["docker image prune --all --force"]


@pytest.mark.parametrize(("tick", "services"), [(CALM, ""), (PRESSED, "a service")])
def test_the_gated_prune_waits_for_pressure_and_an_idle_swarm(tick: Tick, services: str) -> None:
    closed = executor(services)
    prune_dangling(fake_machine(closed), tick)
    assert not [line for line in lines(closed) if "prune" in line]


def test_the_gated_prune_scales_its_24_hours() -> None:
    opened = executor()
    prune_dangling(fake_machine(opened), PRESSED)
    assert lines(opened)[-1] == "docker image prune --force --filter until=10s"


def test_nothing_is_nothing() -> None:
    idle = executor()
    prune_nothing(fake_machine(idle), PRESSED)
    assert not idle.runs


class Files:
    """An instance that takes files."""

    def __init__(self) -> None:
        self.written: dict[str, Any] = {}

    def write_file(self, path: str, content: bytes, *, mode: int) -> None:
        self.written[path] = json.loads(content)


def test_ours_is_the_agents_tick_under_the_ages_of_the_night() -> None:
    ours, files = executor(), Files()
    retain(Machine("ci", fake_machine(ours).config, cast(Instance, files), ours), CALM)
    assert lines(ours) == [f"{paths.ARCHIVE} sweep --json"]
    policy = files.written[paths.POLICY]
    assert (policy["idle_after"], policy["young"]) == (300, 30), "30 days to 72 hours, as usual"
    assert (policy["high_watermark"], policy["low_watermark"]) == (80, 70)


def test_each_policy_has_words_of_its_own() -> None:
    assert len({policy.key for policy in POLICIES}) == len({policy.short for policy in POLICIES}) == 4
