"""A machine is ready when systemd, dockerd and the swarm's manager are."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccci_host.config import HostTable
from ccci_host.errors import CommandFailedError, UnreachableError, WaitTimeoutError
from ccci_host.transport import readiness_remote
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine
from ccci_host.transport.readiness import Readiness, look, wait_until_ready
from tests.fakes import FakeExecutor, completed
from tests.unit.transport.ssh_stub import FakeInstance
from tests.unit.transport.unix_http import daemon, http_answer

READY = Readiness("running", True, "active", True)

TABLE = HostTable.model_validate(
    {"incus": {"endpoint": "/s", "instance": "i"}, "hub": {"account": "a", "pat": {"env": "P"}}}
)


@pytest.mark.parametrize(
    ("seen", "with_swarm", "without"),
    [
        (READY, True, True),
        (Readiness("degraded", True, "active", True), True, True),
        (Readiness("starting", True, "active", True), False, False),
        (Readiness("", True, "active", True), False, False),
        (Readiness("running", False, "", False), False, False),
        (Readiness("running", True, "inactive", False), False, True),
        (Readiness("running", True, "pending", False), False, True),
        (Readiness("running", True, "active", False), False, True),
    ],
)
def test_ready_means_everything_that_is_asked_for(seen: Readiness, with_swarm: bool, without: bool) -> None:
    assert seen.is_ready(swarm=True) is with_swarm
    assert seen.is_ready(swarm=False) is without


def machine(*answers: Any) -> Machine:
    left = list(answers)

    def answer(argv: tuple[str, ...], content: bytes) -> Completed:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Completed) else completed(json.dumps(found))

    return Machine("ci", TABLE, FakeInstance({}), FakeExecutor({"python3": answer}))


def state(system: str = "running", engine: bool = True, swarm: str = "active", manager: bool = True) -> Any:
    return {"system": system, "engine": engine, "swarm": swarm, "manager": manager}


def test_it_waits_through_a_boot() -> None:
    booting = machine(
        UnreachableError("booting"), state("starting", False, "", False), state(manager=False), state()
    )
    assert wait_until_ready(booting, timeout=20) == READY


@pytest.mark.parametrize("code", [137, 143])
def test_a_look_that_goes_down_with_the_machine_is_no_answer(code: int) -> None:
    """A restart that somebody else asked for has yet to begin."""
    assert wait_until_ready(machine(completed(exit_code=code), state()), timeout=20) == READY


def test_a_look_that_fails_by_itself_is_an_error() -> None:
    with pytest.raises(CommandFailedError):
        wait_until_ready(machine(completed(exit_code=1, stderr="no python3"), state()), timeout=20)


def test_in_vain_says_what_was_seen_last() -> None:
    with pytest.raises(WaitTimeoutError, match="for instance 'ci' to be up") as caught:
        wait_until_ready(machine(state("starting")), timeout=0.1)
    assert "system='starting'" in caught.value.details
    with pytest.raises(WaitTimeoutError) as caught:
        wait_until_ready(machine(UnreachableError("No route.")), timeout=0.1)
    assert "No route." in caught.value.details


def test_one_look_is_one_command() -> None:
    seen = machine(state("degraded"))
    assert look(seen) == Readiness("degraded", True, "active", True)
    assert isinstance(seen.executor, FakeExecutor)
    assert len(seen.executor.runs) == 1


def info(**swarm: Any) -> bytes:
    return http_answer(json.dumps({"Swarm": swarm}).encode())


def nodes(state: str) -> bytes:
    return http_answer(json.dumps([{"ID": "n1", "Status": {"State": state}}]).encode())


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({}, (False, "", False)),
        (
            {"GET /info": info(LocalNodeState="inactive", ControlAvailable=False, NodeID="")},
            (True, "inactive", False),
        ),
        (
            {
                "GET /info": info(LocalNodeState="active", ControlAvailable=True, NodeID="n1"),
                "GET /nodes": http_answer(b'{"message": "no leader"}', "503 Service Unavailable"),
            },
            (True, "active", False),
        ),
        (
            {
                "GET /info": info(LocalNodeState="active", ControlAvailable=True, NodeID="n1"),
                "GET /nodes": nodes("unknown"),
            },
            (True, "active", False),
        ),
        (
            {
                "GET /info": info(LocalNodeState="active", ControlAvailable=True, NodeID="n1"),
                "GET /nodes": nodes("ready"),
            },
            (True, "active", True),
        ),
    ],
)
def test_the_program_on_the_host_asks_the_daemon(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: dict[str, bytes],
    expected: tuple[bool, str, bool],
) -> None:
    monkeypatch.setattr(readiness_remote, "system_state", lambda: "running")
    with daemon(tmp_path / "docker.sock", script):
        seen = readiness_remote.look(str(tmp_path / "docker.sock"))
    assert (seen["engine"], seen["swarm"], seen["manager"]) == expected


def test_a_daemon_that_is_not_there_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness_remote, "system_state", lambda: "")
    assert readiness_remote.look(str(tmp_path / "docker.sock")) == {
        "system": "",
        "engine": False,
        "swarm": "",
        "manager": False,
    }


def test_a_machine_without_systemd_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert readiness_remote.system_state() == ""
