"""Provisioning a real host of the lab, through both doors."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ccci_host.agent import paths
from ccci_host.config import Config, HostTable
from ccci_host.errors import CredentialError, HostError
from ccci_host.facts.hub_account import ask_hub
from ccci_host.lab import Lab
from ccci_host.lab.hub import READ_WRITE, REVOKED
from ccci_host.lab.images import publish
from ccci_host.pat import read_pat
from ccci_host.provision import ProvisionReport, provision
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live
NAME = "provision"
DOCKER_CONFIG = "/root/.docker/config.json"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Config]:
    with own_instance(NAME) as config:
        yield config


@pytest.fixture(scope="module")
def machine(hosts: Config) -> Iterator[Machine]:
    """The host, provisioned, commands through Incus. Every test leaves it as it found it."""
    with open_machine(NAME, hosts.host[NAME]) as machine:
        provision(machine)
        yield machine


Shell = Callable[[str], str]


@pytest.fixture(scope="module")
def sh(machine: Machine) -> Shell:
    """A line of shell on the host; its output."""
    return lambda line: machine.executor.run(["sh", "-c", line]).check().text


def step(report: ProvisionReport, name: str) -> Any:
    (found,) = [step for step in report.steps if step.name == name]
    return found


def with_pat(table: HostTable, pat: str) -> HostTable:
    """The same host with another PAT of the lab's account."""
    file = Lab.default().hub.pat_file(pat)
    return HostTable.model_validate(
        {**table.model_dump(exclude_unset=True), "hub": {"account": table.hub.account, "pat": {"file": file}}}
    )


def test_the_first_run_changes_the_host_and_the_second_nothing(hosts: Config) -> None:
    with open_machine(NAME, hosts.host[NAME]) as machine:
        machine.executor.run(["rm", "-rf", paths.ARCHIVE, paths.POLICY, DOCKER_CONFIG]).check()
        first = provision(machine)
        second = provision(machine)

    assert (first.exit_code, first.changed) == (0, True)
    assert (second.exit_code, second.changed) == (0, False)
    assert {step.state for step in second.steps} == {"ok"}
    assert all(step.why for step in second.steps)


def test_the_agent_really_runs_there(machine: Machine, sh: Shell) -> None:
    assert json.loads(sh(f"{paths.ARCHIVE} status --json"))
    assert sh(f"systemctl is-active {paths.TIMER} {paths.WATCH}").split() == ["active", "active"]
    sh(f"systemctl start {paths.SERVICE}")
    assert sh(f"systemctl show {paths.SERVICE} --property=Result --value") == "success"


def test_one_altered_byte_of_any_file_is_named_and_repaired(machine: Machine, sh: Shell) -> None:
    units = [f"{paths.UNIT_FOLDER}/{unit}" for unit in paths.UNITS]
    files = [paths.ARCHIVE, paths.POLICY, *units]
    before = sh(f"sha256sum {' '.join(files)}")
    for path in files:
        sh(f"printf '#' | dd of={path} bs=1 seek=$(($(stat -c %s {path}) - 2)) conv=notrunc status=none")

    checked = provision(machine, check=True)
    assert checked.exit_code == 1
    for path in files:
        assert f"{path} differs from this checkout" in step(checked, "agent").changes
    assert sh(f"sha256sum {' '.join(files)}") != before, "a check changes nothing"

    assert provision(machine).exit_code == 0
    assert sh(f"sha256sum {' '.join(files)}") == before
    assert provision(machine, check=True).exit_code == 0


def test_other_harm_is_named_and_repaired(machine: Machine, sh: Shell) -> None:
    harms = {
        f"systemctl disable --now {paths.TIMER} 2>&1": f"{paths.TIMER} is disabled",
        f"systemctl stop {paths.WATCH}": f"{paths.WATCH} is inactive",
        f"chmod 666 {paths.POLICY}": f"{paths.POLICY} has mode 0666",
        f"chown daemon {paths.ARCHIVE}": f"{paths.ARCHIVE} belongs to daemon",
        f"chmod 644 {DOCKER_CONFIG}": f"{DOCKER_CONFIG}: mode 0644",
        "docker swarm leave --force": "a swarm of one node, on eth0",
    }
    for harm in harms:
        sh(harm)

    checked = provision(machine, check=True)
    assert checked.exit_code == 1
    changes = [change for step in checked.steps for change in step.changes]
    assert set(harms.values()) <= set(changes)

    assert provision(machine).exit_code == 0
    assert provision(machine, check=True).exit_code == 0


def test_a_masked_timer_is_put_back(machine: Machine, sh: Shell) -> None:
    sh(f"systemctl stop {paths.TIMER}; cd {paths.UNIT_FOLDER}; ln --force --symbolic /dev/null {paths.TIMER}")
    sh("systemctl daemon-reload")

    assert provision(machine, check=True).exit_code == 1
    assert provision(machine).exit_code == 0
    assert sh(f"systemctl is-active {paths.TIMER}; systemctl is-enabled {paths.TIMER}").split() == [
        "active",
        "enabled",
    ]


def test_a_wrong_pat_changes_nothing(hosts: Config, machine: Machine, sh: Shell) -> None:
    sh(f"systemctl disable --now {paths.TIMER}")
    before = sh(f"sha256sum {DOCKER_CONFIG}")
    with (
        open_machine(NAME, with_pat(hosts.host[NAME], REVOKED)) as revoked,
        pytest.raises(CredentialError) as caught,
    ):
        provision(revoked)

    assert read_pat(revoked.config.hub.pat).secret.reveal() not in str(caught.value)
    assert sh(f"sha256sum {DOCKER_CONFIG}") == before
    enabled = machine.run_repeatable(["systemctl", "is-enabled", paths.TIMER])
    assert enabled.text == "disabled", "not even what else there was to do"
    assert provision(machine).exit_code == 0


def test_a_docker_hub_that_cannot_be_reached_is_no_wrong_pat(machine: Machine, sh: Shell) -> None:
    sh("cp /etc/hosts /run/hosts; echo 127.0.0.9 auth.docker.io >> /etc/hosts")
    try:
        with pytest.raises(HostError) as caught:
            provision(machine)
    finally:
        sh("cp /run/hosts /etc/hosts")

    assert "nothing about the PAT" in caught.value.resolution
    assert "auth.docker.io" in caught.value.details


def test_a_pat_that_can_push_is_taken_and_warned_about(hosts: Config) -> None:
    with open_machine(NAME, with_pat(hosts.host[NAME], READ_WRITE)) as machine:
        report = provision(machine, check=True)

    assert step(report, "hub-login").state == "drift"
    assert "can push" in report.to_text()


def test_the_login_is_what_docker_uses_and_leaves_others_alone(machine: Machine, sh: Shell) -> None:
    sh(f"""echo '{{"auths": {{"ghcr.io": {{"auth": "eDp5"}}}}, "psFormat": "table"}}' > {DOCKER_CONFIG}""")
    report = provision(machine)

    assert report.exit_code == 0
    assert "vault" in sh("docker pull ccci/vault:1.0"), "a private repository of the account"
    config = json.loads(sh(f"cat {DOCKER_CONFIG}"))
    assert config["psFormat"] == "table"
    assert config["auths"]["ghcr.io"] == {"auth": "eDp5"}


def test_the_bucket_is_read_from_the_host(machine: Machine) -> None:
    hub = machine.config.hub
    own = ask_hub(machine, hub.account, read_pat(hub.pat).secret).bucket
    nobodys = ask_hub(machine, None, None).bucket

    assert own.remaining is not None
    assert own.window == 21600
    assert own.source != nobodys.source


def test_over_https_and_ssh_the_key_is_authorised_first(hosts: Config, machine: Machine, sh: Shell) -> None:
    sh("rm -f /root/.ssh/authorized_keys")
    remote = f"{NAME}-remote"
    with open_machine(remote, hosts.host[remote]) as reached:
        checked = provision(reached, check=True)
    with open_machine(remote, hosts.host[remote]) as reached:
        report = provision(reached)
        again = provision(reached)

    assert [step.name for step in checked.steps if step.state == "drift"] == ["ssh"]
    assert (report.exit_code, step(report, "ssh").state) == (0, "changed")
    assert not again.changed


UNIT = "/etc/systemd/system/tidy"
SOCKET = "--volume /var/run/docker.sock:/var/run/docker.sock"
PRUNERS = (
    (
        f"printf '[Service]\nType=oneshot\nExecStart=/usr/bin/docker system prune -f\n' > {UNIT}-a.service; "
        f"printf '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n' > {UNIT}-a.timer; "
        "systemctl daemon-reload; systemctl enable --now tidy-a.timer 2>&1",
        "tidy-a.timer: docker system prune -f",
        f"systemctl disable --now tidy-a.timer 2>&1; rm {UNIT}-a.*; systemctl daemon-reload",
    ),
    (
        "printf '#!/bin/sh\ndocker images -q | xargs -r docker rmi\n' > /opt/tidy; chmod +x /opt/tidy; "
        "printf '[Service]\nExecStart=/opt/tidy\n[Install]\nWantedBy=multi-user.target\n' "
        f"> {UNIT}-b.service; "
        "systemctl daemon-reload; systemctl enable tidy-b.service 2>&1",
        "tidy-b.service: /opt/tidy: docker rmi",
        f"systemctl disable tidy-b.service 2>&1; rm {UNIT}-b.* /opt/tidy; systemctl daemon-reload",
    ),
    (
        "systemd-run --on-calendar=daily --unit=fleeting docker image prune -f 2>&1",
        "fleeting.timer: docker image prune -f",
        "systemctl stop fleeting.timer 2>/dev/null; systemctl reset-failed",
    ),
    (
        "mkdir -p /etc/cron.d; echo '0 3 * * * root docker image prune -af' > /etc/cron.d/tidy",
        "/etc/cron.d/tidy line 1",
        "rm /etc/cron.d/tidy",
    ),
    (
        "mkdir -p /var/spool/cron/crontabs; "
        "echo '0 3 * * * docker system prune' > /var/spool/cron/crontabs/root",
        "/var/spool/cron/crontabs/root line 1",
        "rm /var/spool/cron/crontabs/root",
    ),
    (
        "mkdir -p /etc/cron.daily; printf '#!/bin/sh\ndocker image prune -f\n' > /etc/cron.daily/tidy; "
        "chmod +x /etc/cron.daily/tidy",
        "/etc/cron.daily/tidy",
        "rm /etc/cron.daily/tidy",
    ),
    (
        f"docker run --detach --name tidy {SOCKET} spotify/docker-gc 2>&1",
        "container tidy",
        "docker rm --force tidy",
    ),
    (
        "docker service create --detach --name tidy-service alpine/docker-cli docker system prune -f 2>&1",
        "service tidy-service",
        "docker service rm tidy-service",
    ),
)


@pytest.fixture(scope="module")
def janitors() -> None:
    """Images by these names at the stand-in."""
    for reference in ("spotify/docker-gc:latest", "alpine/docker-cli:latest", "library/traefik:v3"):
        publish(Lab.default().hub, reference)


@pytest.mark.usefixtures("janitors")
def test_competing_pruners_are_named_and_disabled_only_when_asked(machine: Machine, sh: Shell) -> None:
    for plant, _, _ in PRUNERS:
        sh(plant)
    try:
        found = provision(machine)
        problems = step(found, "pruners").problems
        disabled = provision(machine, disable_pruners=True)
        after = provision(machine)
    finally:
        for _, _, remove in PRUNERS:
            sh(remove)

    assert found.exit_code == 1
    assert not found.changed, "nothing is disabled that nobody asked for"
    for _, named, _ in PRUNERS:
        assert any(named in problem for problem in problems)
    assert len(problems) == len(PRUNERS)
    assert (disabled.exit_code, disabled.changed, after.exit_code) == (0, True, 0)
    assert provision(machine, check=True).exit_code == 0


@pytest.mark.usefixtures("janitors")
def test_a_container_that_holds_the_docker_socket_is_no_janitor_for_that(machine: Machine, sh: Shell) -> None:
    sh(f"docker run --detach --name proxy {SOCKET}:ro traefik:v3 2>&1")
    try:
        assert provision(machine).exit_code == 0
    finally:
        sh("docker rm --force proxy")


def test_no_secret_leaves_its_way(hosts: Config) -> None:
    """Every command line and answer of a provisioning, looked through for the PAT and its login entry."""
    from ccci_host.facts.hub_login import login_entry

    with open_machine(NAME, hosts.host[NAME]) as machine:
        machine.executor.run(["rm", "-f", DOCKER_CONFIG]).check()
        seen: list[bytes] = []
        inner = machine.executor.run

        def run(argv: Any, **more: Any) -> Any:
            done = inner(argv, **more)
            seen.extend([" ".join(argv).encode(), done.stdout, done.stderr])
            return done

        machine.executor.run = run  # type: ignore[method-assign]  # the real one, overheard
        report = provision(machine)
    hub = machine.config.hub
    pat = read_pat(hub.pat).secret
    said = b"\n".join([*seen, report.to_text(diff=True).encode(), json.dumps(report.to_json()).encode()])

    assert report.changed
    for secret in (pat, login_entry(hub.account, pat)):
        assert secret.reveal().encode() not in said
