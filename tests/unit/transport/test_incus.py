"""An instance seen from outside, and one that cannot be found."""

from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import HostError, NotFoundError, UnreachableError
from ccci_host.transport import incus_files
from ccci_host.transport.incus import IncusInstance, connect
from ccci_host.transport.incus_api import AgentDownError, IncusRefusedError
from ccci_host.transport.machine import require_running
from tests.unit.transport.incus_stub import (
    Answer,
    IncusStub,
    Reply,
    Request,
    incus,
    refused,
    running,
    started,
    sync,
)

CI = "GET /1.0/instances/ci"
STATE = "GET /1.0/instances/ci/state"
FILES = "/1.0/instances/ci/files"
MISSING = refused("Instance not found", 404)

VIRTUAL_MACHINE = {
    "name": "ci",
    "type": "virtual-machine",
    "expanded_devices": {
        "root": {"type": "disk"},
        "eth0": {"type": "nic", "network": "incusbr0"},
        "eth1": {"type": "nic", "hwaddr": "AA:BB:CC:DD:EE:FF"},
    },
    "expanded_config": {"volatile.eth0.hwaddr": "10:66:6a:00:00:01"},
}


def interface(hwaddr: str, received: int, *addresses: tuple[str, str, str]) -> dict[str, Any]:
    entries = [dict(zip(("family", "scope", "address"), each, strict=True)) for each in addresses]
    return {"hwaddr": hwaddr, "counters": {"bytes_received": received}, "addresses": entries or None}


def state(**changes: Any) -> Any:
    network = {
        "lo": interface("", 999, ("inet", "local", "127.0.0.1")),
        "docker0": interface("02:42:00:00:00:01", 5000, ("inet", "global", "172.17.0.1")),
        "enp5s0": interface(
            "10:66:6a:00:00:01",
            700,
            ("inet6", "global", "fd00::1"),
            ("inet", "link", "169.254.0.1"),
            ("inet", "global", "10.0.0.5"),
        ),
        "enp6s0": interface("aa:bb:cc:dd:ee:ff", 70),
    }
    return {
        "status": "Running",
        "started_at": "2026-01-02T03:04:05.6Z",
        "pid": 42,
        "network": network,
        **changes,
    }


def instance_of(stub: IncusStub) -> IncusInstance:
    return connect(stub.table).instance("ci")


def test_it_shows_what_incus_says_of_it(tmp_path: Path) -> None:
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), STATE: sync(state())}) as stub:
        instance = instance_of(stub)
        assert instance.kind == "virtual-machine"
        assert instance.where == f"instance 'ci' (project 'p', Incus at {stub.socket})"
        assert (instance.status(), instance.started_at(), instance.pid()) == (
            "Running",
            "2026-01-02T03:04:05.6Z",
            42,
        )


def test_its_interfaces_are_found_by_hardware_address_whatever_they_are_called(tmp_path: Path) -> None:
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), STATE: sync(state())}) as stub:
        instance = instance_of(stub)
        assert instance.bytes_received() == 770  # neither loopback nor Docker's bridge
        assert instance.address() == "10.0.0.5"
        assert instance.addresses() == ("fd00::1", "10.0.0.5")


@pytest.mark.parametrize("network", [None, {}, {"enp5s0": interface("10:66:6a:00:00:02", 1)}])
def test_no_interface_is_not_zero_bytes(tmp_path: Path, network: Any) -> None:
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), STATE: sync(state(network=network))}) as stub:
        instance = instance_of(stub)
        with pytest.raises(UnreachableError, match="shows no network interface"):
            instance.bytes_received()
        with pytest.raises(UnreachableError):
            instance.address()


def test_no_address_yet_is_said(tmp_path: Path) -> None:
    booting = state(network={"enp5s0": interface("10:66:6a:00:00:01", 0)})
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), STATE: sync(booting)}) as stub:
        instance = instance_of(stub)
        with pytest.raises(UnreachableError, match="knows no IPv4 address"):
            instance.address()
        with pytest.raises(UnreachableError, match="knows no address"):
            instance.addresses()


@pytest.mark.parametrize(
    ("status", "resolution"),
    [("Stopped", "`incus start`"), ("Frozen", "`incus resume`"), ("Error", "`incus info`")],
)
def test_one_that_does_not_run_is_refused_with_the_remedy(
    tmp_path: Path, status: str, resolution: str
) -> None:
    script: dict[str, Answer] = {CI: sync(VIRTUAL_MACHINE), STATE: sync(state(status=status, pid=-1))}
    with incus(tmp_path, script) as stub:
        instance = instance_of(stub)
        with pytest.raises(UnreachableError, match=f"it is {status.lower()}") as caught:
            require_running(instance)
        assert resolution in caught.value.resolution
        assert instance.pid() == 0


@pytest.mark.parametrize("status", ["Running", "Ready"])
def test_one_that_runs_or_calls_itself_ready_is_taken(tmp_path: Path, status: str) -> None:
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), STATE: sync(state(status=status))}) as stub:
        require_running(instance_of(stub))


@pytest.mark.parametrize("force", [False, True])
def test_a_restart_is_forced_only_when_it_is_asked_for(tmp_path: Path, force: bool) -> None:
    script: dict[str, Answer] = {
        CI: sync(VIRTUAL_MACHINE),
        "PUT /1.0/instances/ci/state": started(),
        "GET /1.0/operations/op/wait": sync({"status": "Success", "status_code": 200, "err": ""}),
    }
    with incus(tmp_path, script) as stub:
        instance_of(stub).request_restart(force=force, timeout=30)
        (request,) = stub.asked("PUT /1.0/instances/ci/state")
        assert request.json == {"action": "restart", "force": force, "timeout": 30, "stateful": False}


def test_a_restart_that_incus_gives_up_is_an_error(tmp_path: Path) -> None:
    failed = {"status": "Failure", "status_code": 400, "err": "The instance is already stopped"}
    script: dict[str, Answer] = {
        CI: sync(VIRTUAL_MACHINE),
        "PUT /1.0/instances/ci/state": started(),
        "GET /1.0/operations/op/wait": refused("The instance is already stopped"),
        "GET /1.0/operations/op": sync(failed),
    }
    with (
        incus(tmp_path, script) as stub,
        pytest.raises(HostError, match="could not restart instance 'ci'") as caught,
    ):
        instance_of(stub).request_restart(force=False, timeout=5)
    assert caught.value.details == "The instance is already stopped"


def test_a_stop_that_never_ends_is_an_error(tmp_path: Path) -> None:
    script: dict[str, Answer] = {
        CI: sync(VIRTUAL_MACHINE),
        "PUT /1.0/instances/ci/state": started(),
        "GET /1.0/operations/op/wait": refused("context deadline exceeded"),
        "GET /1.0/operations/op": running(),
    }
    with (
        incus(tmp_path, script) as stub,
        pytest.raises(HostError, match="could not stop by force instance 'ci'") as caught,
    ):
        instance_of(stub).request_stop(force=True, timeout=5)
    assert caught.value.details == "It was still at it after 35 s."


def test_a_file_is_written_as_root_with_its_mode(tmp_path: Path) -> None:
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), f"POST {FILES}": sync({})}) as stub:
        instance_of(stub).write_file("/root/.ssh/authorized_keys", b"key\n", mode=0o600)
        (request,) = stub.asked(f"POST {FILES}")
        assert request.query["path"] == "/root/.ssh/authorized_keys"
        assert request.headers["x-incus-mode"] == "0600"
        assert request.body == b"key\n"


def test_a_file_is_read_and_a_missing_one_is_said(tmp_path: Path) -> None:
    def content(request: Request) -> Any:
        return (200, b"\x00text") if request.query["path"] == "/a" else refused("not found", 404)

    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), f"GET {FILES}": content}) as stub:
        instance = instance_of(stub)
        assert instance.read_file("/a") == b"\x00text"
        with pytest.raises(NotFoundError, match="There is no file /b"):
            instance.read_file("/b")


RESET = refused("read unix @->/proc/self/fd/9/forkfile.sock: read: connection reset by peer", 500)


def test_a_file_request_that_met_the_helper_as_it_ended_is_repeated(tmp_path: Path) -> None:
    puts: list[Reply] = [RESET, sync({})]
    gets: list[Reply] = [RESET, RESET, (200, b"text")]
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), f"POST {FILES}": puts, f"GET {FILES}": gets}) as stub:
        instance = instance_of(stub)
        instance.write_file("/a", b"text", mode=0o600)
        assert instance.read_file("/a") == b"text"
        assert {each.query["path"] for each in stub.asked(f"POST {FILES}")} == {"/a"}


def test_a_helper_that_stays_away_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incus_files, "HELPER_PATIENCE", 0.0)
    with (
        incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), f"POST {FILES}": RESET}) as stub,
        pytest.raises(IncusRefusedError, match=r"forkfile\.sock"),
    ):
        instance_of(stub).write_file("/a", b"text", mode=0o600)


def test_an_agent_that_is_down_is_a_machine_out_of_reach(tmp_path: Path) -> None:
    down = refused("VM agent isn't currently running", 500)
    with incus(tmp_path, {CI: sync(VIRTUAL_MACHINE), f"GET {FILES}": down}) as stub:
        instance = instance_of(stub)
        with pytest.raises(AgentDownError):
            instance.read_file("/etc/ssh/ssh_host_ed25519_key.pub")
        assert issubclass(AgentDownError, UnreachableError)  # so that waiting for a boot asks again


def unfindable(projects: list[str], instances: list[tuple[str, str]]) -> dict[str, Answer]:
    def listing(request: Request) -> Any:
        if "project" in request.query:  # as Incus does
            return refused("Cannot specify a project when requesting all projects")
        return sync([{"project": project, "name": name} for project, name in instances])

    return {
        CI: MISSING,
        "GET /1.0/projects": sync([{"name": name} for name in projects]),
        "GET /1.0/instances": listing,
    }


@pytest.mark.parametrize(
    ("projects", "instances", "brief", "details"),
    [
        (["default", "q"], [], "has no project called 'p'", "It has default, q."),
        (["p"], [], "There is no instance 'ci' in project 'p'", "It holds no instance at all."),
        (["p"], [("p", "web"), ("p", "db")], "There is no instance 'ci'", "It holds db, web."),
        (["p"], [("p", "cia"), ("p", "web")], "There is no instance 'ci'", "Did you mean 'cia'?"),
        (["p", "q"], [("q", "ci")], "There is no instance 'ci'", "An instance of that name is in 'q'."),
        (["p", "q"], [("q", "ci"), ("r", "ci")], "no instance 'ci'", "of that name is in 'q' and in 'r'."),
    ],
)
def test_one_that_is_missing_is_looked_for_elsewhere(
    tmp_path: Path, projects: list[str], instances: list[tuple[str, str]], brief: str, details: str
) -> None:
    with (
        incus(tmp_path, unfindable(projects, instances)) as stub,
        pytest.raises(NotFoundError, match=brief) as caught,
    ):
        instance_of(stub)
    assert details in caught.value.details
    assert "ccci.toml" in caught.value.resolution


def test_another_refusal_stays_what_it_is(tmp_path: Path) -> None:
    with incus(tmp_path, {CI: refused("database is locked", 500)}) as stub:
        with pytest.raises(IncusRefusedError) as caught:
            instance_of(stub)
        assert caught.value.brief == f"Incus at {stub.socket} refused: database is locked"
