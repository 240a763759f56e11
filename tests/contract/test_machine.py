"""Real machines by both doors: 200 commands in a row, reboots, and every way not to reach one."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker.errors
import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ccci_host.config import Config, HostTable
from ccci_host.errors import CcciError, ConfigError, HostError, NotFoundError, UnreachableError
from ccci_host.transport.incus import IncusInstance, connect
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine
from ccci_host.transport.readiness import wait_until_ready
from ccci_host.transport.ssh import KeyRefusedError
from ccci_host.transport.ssh_door import WrongHostKeyError
from ccci_host.waiting import wait_until
from tests.contract.conftest import INSTANCE
from tests.unit.transport.certificates import self_signed

pytestmark = pytest.mark.live

REMOTE = f"{INSTANCE}-remote"
BOOT_TIMEOUT = 90.0


@pytest.fixture(params=[INSTANCE, REMOTE])
def machine(request: pytest.FixtureRequest, hosts: Config) -> Iterator[Machine]:
    """The instance by its unix socket, then by HTTPS and SSH; up whatever the test before did to it."""
    table = hosts.host[request.param]
    with_instance(table, bring_up)
    with open_machine(request.param, table) as machine:
        wait_until_ready(machine, timeout=BOOT_TIMEOUT)
        yield machine


@pytest.fixture
def table(hosts: Config) -> Iterator[HostTable]:
    """How the remote host is reached; it is up, and will be again."""
    with open_machine(REMOTE, hosts.host[REMOTE]) as machine:
        wait_until_ready(machine, timeout=BOOT_TIMEOUT, swarm=False)
    yield hosts.host[REMOTE]
    with_instance(hosts.host[INSTANCE], bring_up)


def with_instance(table: HostTable, act: Callable[[IncusInstance], object]) -> None:
    server = connect(table.incus)
    try:
        act(server.instance(table.incus.instance))
    finally:
        server.close()


def bring_up(instance: IncusInstance) -> None:
    if instance.status() == "Frozen":
        instance.request_resume(timeout=30)
    if instance.status() == "Stopped":
        instance.request_start(timeout=30)


def test_two_hundred_commands_over_https_give_as_many_answers_each_run_once(hosts: Config) -> None:
    with open_machine(REMOTE, hosts.host[REMOTE]) as machine:
        executor = machine.instance.executor()
        assert "https://" in executor.where
        executor.run(["rm", "-f", "/run/ccci-count"]).check()
        for number in range(200):
            line = f"{number}\n".encode()
            done = executor.run(["sh", "-c", 'echo "$0" >> /run/ccci-count; echo "$0"', str(number)])
            assert (done.exit_code, done.stdout, done.stderr) == (0, line, b"")
        counted = executor.run(["cat", "/run/ccci-count"]).check().text
        assert counted.split() == [str(number) for number in range(200)]


def test_nothing_is_left_of_a_command_neither_in_the_machine_nor_beside_it(machine: Machine) -> None:
    executor = machine.instance.executor()
    executor.run(["cat"], input=b"secret").check()
    assert executor.run(["no-such-command"], input=b"secret").exit_code == 127
    with pytest.raises(UnreachableError):
        executor.run(["sleep", "3"], input=b"secret", timeout=0.5)
    left = executor.run(["find", "/run", "-maxdepth", "1", "-name", "ccci-*", "!", "-name", "ccci-count"])
    assert left.check().text == ""
    server = connect(machine.config.incus)
    try:
        listed = server.api.get("instances", machine.config.incus.instance, "logs", "exec-output")
    finally:
        server.close()
    assert len(listed) <= 2  # the one that was listing


@pytest.mark.parametrize("force", [False, True], ids=["graceful", "forced"])
def test_a_restart_is_another_boot_and_stale_connections_are_replaced(machine: Machine, force: bool) -> None:
    before = machine.instance.started_at(), machine.instance.pid()
    machine.executor.run(["touch", "/run/ccci-token"]).check()
    machine.instance.request_restart(force=force, timeout=60)
    seen = wait_until_ready(machine, timeout=BOOT_TIMEOUT)
    assert seen.is_ready(swarm=True)
    assert machine.instance.started_at() > before[0]
    assert machine.instance.pid() not in (0, before[1])
    assert machine.executor.run(["test", "-e", "/run/ccci-token"]).exit_code == 1


def test_bytes_that_come_in_are_counted_from_outside(machine: Machine) -> None:
    address, before = machine.instance.address(), machine.instance.bytes_received()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(1000):
            sender.sendto(bytes(1000), (address, 9))

    def counted() -> int | None:
        received = machine.instance.bytes_received() - before
        return received if received >= 1_000_000 else None

    assert wait_until(counted, what="the bytes to be counted", timeout=10) < 1_500_000


def test_the_docker_sdk_works(machine: Machine) -> None:
    client = machine.docker()
    started = int(time.time()) - 1
    assert client.info()["Swarm"]["LocalNodeState"] == "active"
    client.volumes.create("ccci-contract").remove()
    events = list(client.events(since=started, until=int(time.time()) + 1, decode=True))
    assert {"create", "destroy"} <= {event["Action"] for event in events if event["Type"] == "volume"}
    assert client.images.list(all=True) is not None
    assert client.services.list() == []
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.remove("ccci-no-such-image", noprune=True)


def test_a_stopped_daemon_is_a_host_that_is_not_fit(machine: Machine) -> None:
    machine.executor.run(["systemctl", "stop", "docker.socket", "docker.service"]).check()
    try:
        with pytest.raises(HostError, match="dockerd does not answer"):
            machine.docker()
    finally:
        machine.executor.run(["systemctl", "start", "docker.service"]).check()


def test_a_program_on_the_host_gets_its_payload(machine: Machine) -> None:
    program = "import json, os, sys; print(json.dumps([json.load(sys.stdin), os.getuid()]))"
    assert machine.run_python(program, {"ü": ["\x00"]}) == [{"ü": ["\x00"]}, 0]


def test_a_file_is_written_through_incus_with_its_mode_and_read_again(machine: Machine) -> None:
    machine.instance.write_file("/root/ccci-contract", b"\x00secret\n", mode=0o600)
    assert machine.instance.read_file("/root/ccci-contract") == b"\x00secret\n"
    assert machine.executor.run(["stat", "-c", "%a %U %G", "/root/ccci-contract"]).text == "600 root root"
    machine.executor.run(["rm", "/root/ccci-contract"]).check()
    for path in ("/root/ccci-contract", "/root", "/no/such/folder/file"):
        with pytest.raises(NotFoundError):
            machine.instance.read_file(path)


@pytest.mark.parametrize("host", [INSTANCE, REMOTE])
def test_a_frozen_machine_is_said_to_be_frozen(hosts: Config, table: HostTable, host: str) -> None:
    with open_machine(host, hosts.host[host]) as machine:
        with_instance(table, lambda instance: instance.request_freeze(timeout=30))
        with pytest.raises(UnreachableError, match="frozen"):
            machine.executor.run(["true"], timeout=2)
        with pytest.raises(UnreachableError, match="it is frozen") as caught:
            open_machine(host, hosts.host[host])
        assert "incus resume" in caught.value.resolution
        with_instance(table, bring_up)
        assert machine.executor.run(["true"], timeout=20).ok


@pytest.mark.parametrize("host", [INSTANCE, REMOTE])
def test_a_stopped_machine_is_said_to_be_stopped(hosts: Config, table: HostTable, host: str) -> None:
    with open_machine(host, hosts.host[host]) as machine:
        with_instance(table, lambda instance: instance.request_stop(force=True, timeout=30))
        with pytest.raises(UnreachableError, match=r"stopped|not running"):
            machine.executor.run(["true"], timeout=2)
        with pytest.raises(UnreachableError, match="shows no network interface"):
            machine.instance.bytes_received()
        with pytest.raises(UnreachableError, match="it is stopped") as caught:
            open_machine(host, hosts.host[host])
        assert "incus start" in caught.value.resolution


def refused(table: HostTable, error: type[CcciError], **changes: object) -> str:
    """What opening the host says when its Incus table is changed so."""
    incus = table.incus.model_copy(update=changes)
    with pytest.raises(error) as caught:
        open_machine("ci", table.model_copy(update={"incus": incus}))
    assert caught.value.resolution
    return str(caught.value)


def test_every_way_not_to_reach_it_is_one_clear_paragraph(table: HostTable, tmp_path: Path) -> None:
    stranger, stranger_key = self_signed(tmp_path, "stranger")
    near = INSTANCE[:-1]
    assert f"Did you mean {INSTANCE!r}" in refused(table, NotFoundError, instance=near)
    assert "has no project called 'elsewhere'" in refused(table, NotFoundError, project="elsewhere")
    assert f"is in {table.incus.project!r}" in refused(table, NotFoundError, project="default")
    assert "shows another certificate" in refused(table, UnreachableError, server_cert=stranger)
    assert "does not trust the client certificate" in refused(
        table, UnreachableError, client_cert=stranger, client_key=stranger_key
    )
    assert "does not answer" in refused(table, UnreachableError, endpoint="https://127.0.0.1:1")
    assert "cannot be used" in refused(table, ConfigError, client_key=tmp_path / "missing")
    assert "There is no Incus socket" in refused(table, UnreachableError, endpoint=str(tmp_path / "missing"))


def test_the_environment_cannot_replace_the_pin(
    table: HostTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, _ = self_signed(tmp_path, "stranger")
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(stranger))
    with open_machine("ci", table) as machine:
        assert machine.instance.executor().run(["true"]).ok


def test_ssh_refuses_a_strange_key_and_a_strange_host(table: HostTable, tmp_path: Path) -> None:
    assert table.ssh is not None
    strange = tmp_path / "id"
    paramiko.ECDSAKey.generate().write_private_key_file(strange)
    changed = table.model_copy(update={"ssh": table.ssh.model_copy(update={"key": strange})})
    with open_machine("ci", changed) as machine, pytest.raises(KeyRefusedError, match="invoke provision"):
        machine.executor.run(["true"])

    path = "/etc/ssh/ssh_host_ed25519_key.pub"
    with open_machine("ci", table) as machine:
        own = machine.instance.read_file(path)
        line = f"ssh-ed25519 {'A' * 24}NzaC1lZDI1NTE5AAAAI".encode()  # not a key
        try:
            machine.instance.write_file(path, line, mode=0o644)
            with pytest.raises(UnreachableError, match="holds no host key"):
                machine.executor.run(["true"])
            machine.instance.write_file(path, other_ed25519(), mode=0o644)
            with pytest.raises(WrongHostKeyError, match="not the one of instance"):
                machine.executor.run(["true"])
        finally:
            machine.instance.write_file(path, own, mode=0o644)
        assert machine.executor.run(["true"]).ok


def other_ed25519() -> bytes:
    """The line of a public key that no host has."""
    return (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    )
