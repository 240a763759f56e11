"""Command lines on a real host that end in one clear paragraph and exit code 3, or in a verdict that is none.

The tests run in order on one instance: first as it was made, then provisioned, at last stopped.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ccci_host.agent import paths
from ccci_host.config import Config, HostTable
from ccci_host.errors import UnreachableError
from ccci_host.lab import Lab
from ccci_host.lab.hub import READ_WRITE, REVOKED
from ccci_host.lab.images import publish
from ccci_host.lab.keys import Keys
from ccci_host.provision import provision
from ccci_host.recipes import teardown
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Instance, Machine
from ccci_host.transport.readiness import wait_until_ready
from tests.command_line import CommandLine, configured
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live
NAME = "command-line"
REMOTE = f"{NAME}-remote"

DOCKER_CONFIG = "/root/.docker/config.json"
COMPOSE = """version: "3.8"
services:
  app:
    image: {image}
    deploy: {{labels: ["coop-cloud.${{STACK_NAME}}.timeout=60"]}}
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Config]:
    with own_instance(NAME, data_gb=1.0) as config:
        yield config


@pytest.fixture(scope="module")
def machine(hosts: Config) -> Iterator[Machine]:
    with open_machine(NAME, hosts.host[NAME]) as machine:
        yield machine


@pytest.fixture
def ccci(hosts: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line, configured as the lab says."""
    configured(monkeypatch, Lab.default().config_path)
    return CommandLine(capsys)


@pytest.fixture
def mistaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Mistaken":
    return Mistaken(tmp_path / "ccci.toml", monkeypatch)


class Mistaken:
    """The lab's configuration with something wrong in it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = path
        self._monkeypatch = monkeypatch

    def __call__(self, *changes: tuple[object, object]) -> None:
        # In a lab of its own, the instance is also the default host, and that stays as it is.
        text = re.sub(r"(?m)^default_host = .*\n", "", Lab.default().config_path.read_text())
        for right, wrong in changes:
            assert f'"{right}"' in text
            text = text.replace(f'"{right}"', f'"{wrong}"')
        self._path.write_text(text)
        configured(self._monkeypatch, self._path)


def sh(machine: Machine, line: str) -> str:
    return machine.executor.run(["sh", "-c", line]).check().text


def recipe(folder: Path, image: str) -> str:
    """A recipe of one service."""
    (folder / "one").mkdir()
    (folder / "one" / "compose.yml").write_text(COMPOSE.format(image=image))
    return str(folder / "one")


def incus_of(hosts: Config) -> HostTable:
    """The host by its remote doors, in the words of its own table."""
    return hosts.host[REMOTE]


# --- As it was made


def test_an_incus_that_is_gone(ccci: CommandLine, mistaken: Mistaken, hosts: Config) -> None:
    mistaken((incus_of(hosts).incus.endpoint, "https://127.0.0.1:9"))  # "discard", which nobody serves
    said = ccci("provision", "--host", REMOTE).one_paragraph()
    assert "Incus at https://127.0.0.1:9 does not answer" in said
    assert "Check that the Incus daemon runs" in said


def test_an_incus_socket_that_is_gone(ccci: CommandLine, mistaken: Mistaken, hosts: Config) -> None:
    mistaken((hosts.host[NAME].incus.endpoint, "/run/no-such/unix.socket"))
    said = ccci("provision", "--host", NAME).one_paragraph()
    assert "There is no Incus socket at /run/no-such/unix.socket" in said
    assert "Start Incus" in said


@pytest.mark.parametrize("host", [NAME, REMOTE])
def test_an_unknown_instance(ccci: CommandLine, mistaken: Mistaken, host: str) -> None:
    mistaken((NAME, "comand-line"))
    said = ccci("prune", "--host", host).one_paragraph()
    assert "There is no instance 'comand-line' in project" in said
    assert f"Did you mean '{NAME}'" in said


def test_a_server_with_another_certificate(ccci: CommandLine, mistaken: Mistaken, hosts: Config) -> None:
    table = incus_of(hosts).incus
    mistaken((table.server_cert, table.client_cert))
    said = ccci("provision", "--host", REMOTE).one_paragraph()
    assert "shows another certificate than the pinned one" in said
    assert "compare it on the server itself" in said


def test_a_client_certificate_that_the_server_does_not_trust(
    ccci: CommandLine, mistaken: Mistaken, hosts: Config, tmp_path: Path
) -> None:
    table, others = incus_of(hosts).incus, Keys(tmp_path / "keys")
    others.ensure()
    mistaken((table.client_cert, others.client_cert), (table.client_key, others.client_key))
    said = ccci("provision", "--host", REMOTE).one_paragraph()
    assert "does not trust the client certificate" in said
    assert "incus config trust add-certificate" in said


def test_a_wrong_pat_leaves_a_new_host_as_it_was(
    ccci: CommandLine, mistaken: Mistaken, hosts: Config, machine: Machine
) -> None:
    hub = Lab.default().hub
    mistaken((hosts.host[NAME].hub.pat.file, hub.pat_file(REVOKED)))
    folders = f"{paths.UNIT_FOLDER} /usr/local/bin /etc/ccci-prune /root/.docker /etc/docker"
    listing = f"find {folders} -exec sha256sum {{}} + 2>&1 | sort"
    before = sh(machine, listing)
    said = ccci("provision", "--host", NAME, "--diff").one_paragraph()
    assert "PAT" in said
    assert sh(machine, listing) == before
    assert paths.ARCHIVE not in before


# --- Deploying


def test_a_recipe_whose_image_does_not_exist(ccci: CommandLine, machine: Machine, tmp_path: Path) -> None:
    folder = recipe(tmp_path, "harbour/nobody-published-this:1.0")
    try:
        said = ccci("deploy", folder, "--host", NAME, "--domain", "absent.test").one_paragraph()
    finally:
        teardown(machine, "absent_test")
    assert "No such image: harbour/nobody-published-this:1.0" in said
    assert "check the recipe's reference" in said


def test_a_full_data_disk(ccci: CommandLine, machine: Machine, tmp_path: Path) -> None:
    publish(Lab.default().hub, "lab-public/large:2", size=8_000_000)
    sh(machine, "docker pull --quiet quickcache:7.2")
    images = "docker image ls --no-trunc --quiet | sort --unique"
    before = sh(machine, images)
    folder = recipe(tmp_path, "lab-public/large:2")
    words = [folder, "--host", NAME, "--domain", "full.test"]
    free = "$(( $(df --output=avail -k /var/lib/docker | tail -1) - 4000 ))k"
    sh(machine, f"fallocate -l {free} /var/lib/docker/full")
    try:
        said = ccci("deploy", *words).one_paragraph()
    finally:
        sh(machine, "rm /var/lib/docker/full")
    assert "no space left on device" in said
    assert "The host's disk is full: `invoke prune` tells" in said
    assert sh(machine, images) == before
    assert ccci("deploy", *words).last.startswith("full_test runs one")
    assert ccci("teardown", *words).last == "full_test is gone."


def test_a_dockerd_that_is_down(ccci: CommandLine, machine: Machine) -> None:
    sh(machine, "systemctl stop docker.socket docker.service")
    try:
        ends = [ccci(*words.split(), "--host", NAME) for words in ("provision", "deploy small", "verify-pc3")]
    finally:
        sh(machine, "systemctl reset-failed docker.service; systemctl start docker.socket docker.service")
        wait_until_ready(machine, timeout=60)
    for end in ends:
        said = end.one_paragraph()
        assert "does not answer" in said
        assert "docker" in said.splitlines()[-1], "where to look"


# --- Provisioned


def test_with_the_traffic_s_witnesses_blind_it_is_unknown(
    ccci: CommandLine,
    mistaken: Mistaken,
    hosts: Config,
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = hosts.host[NAME].registry
    assert registry is not None
    mistaken((registry.access_log, "/var/log/no-such.jsonl"))
    provision(machine)
    monkeypatch.setattr("ccci_host.transport.open_machine", _opened_without_counters)
    ended = ccci("verify-pc3", "--host", NAME, "--evidence", str(tmp_path))
    assert ended.code == 2, ended
    assert ended.last.startswith("verify-pc3: UNKNOWN: ")
    assert "no such file" in ended.last.lower()
    assert "Incus shows no counters of the instance" in ended.last
    assert ended.out.count("FAIL") == 0
    assert "Traceback" not in ended.err


def _opened_without_counters(name: str, table: HostTable) -> Machine:
    """The real machine, of whose interface Incus shows no counters."""
    machine = open_machine(name, table)
    return replace(machine, instance=_Uncounted(machine.instance))  # type: ignore[arg-type]  # by delegation


class _Uncounted:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def bytes_received(self) -> int:
        raise UnreachableError("Incus shows no counters of the instance.")

    def __getattr__(self, name: str) -> object:
        return getattr(self._instance, name)


def test_a_pruning_timer_on_the_host_fails_pc1(ccci: CommandLine, machine: Machine, tmp_path: Path) -> None:
    provision(machine)
    sh(machine, "systemd-run --on-calendar=yearly --unit=tidy docker image prune -f 2>&1")
    try:
        ended = ccci("verify-pc1", "--host", NAME, "--evidence", str(tmp_path))
    finally:
        sh(machine, "systemctl stop tidy.timer")
    assert ended.code == 1, ended
    assert "What to do: `systemctl stop tidy.timer`" in ended.out
    assert ended.last.startswith("verify-pc1: FAIL: Also prunes images on this host: tidy.service")


def test_a_pat_that_was_revoked_since_fails_pc2(
    ccci: CommandLine, mistaken: Mistaken, hosts: Config, tmp_path: Path
) -> None:
    """With the PAT that nobody else pulls with."""
    hub = Lab.default().hub
    mistaken((hosts.host[NAME].hub.pat.file, hub.pat_file(READ_WRITE)))
    assert ccci("provision", "--host", NAME).code == 0
    hub.control.revoke(hub.account, READ_WRITE)
    try:
        ended = ccci("verify-pc2", "--host", NAME, "--evidence", str(tmp_path))
    finally:
        hub.control.restore(hub.account, READ_WRITE)
    assert ended.code == 1, ended
    assert "FAIL     credential-accepted: Docker Hub refuses the PAT of ccci" in ended.out
    assert ended.last.startswith("verify-pc2: FAIL: ")
    assert "Traceback" not in ended.err


# --- Stopped: the last one


def test_a_stopped_instance(ccci: CommandLine, machine: Machine) -> None:
    machine.instance.request_stop(force=True, timeout=30)
    for host in (NAME, REMOTE):
        said = ccci("verify", "--host", host).one_paragraph()
        assert f"No command can run on instance '{NAME}'" in said
        assert "it is stopped" in said
        assert "`incus start`" in said
