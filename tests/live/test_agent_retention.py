"""Retention on real daemons of both stores: what stays, what goes, what closes the gates, what is seen."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ccci_host.agent import paths
from ccci_host.lab import Lab
from ccci_host.lab.hub import Fault
from ccci_host.waiting import wait_until
from tests.live.agent_host import AgentHost, agent_host, reasons

pytestmark = pytest.mark.live

PATIENT = {"young": "1s", "idle_after": "10h"}
"""Everything is old at once, nothing is idle: only what is orphaned or superseded goes."""


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[AgentHost]:
    with agent_host(request.param) as host:
        yield host


@pytest.fixture
def host(shared: AgentHost) -> AgentHost:
    shared.clean()
    return shared


def soon(probe: Callable[[], Any], what: str, timeout: float = 60) -> Any:
    return wait_until(lambda: probe() or None, what=what, timeout=timeout, interval=0.2)


def gates(host: AgentHost) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(host.prune("status", "--json").check().stdout)
    found: dict[str, Any] = status["gates"]
    return found


def test_what_goes_and_what_stays(host: AgentHost) -> None:
    host.set_policy(**PATIENT, keep=["kept/base"])
    before = host.publish("run/app:1", size=200_000)
    host.deploy("first", {"app": "run/app:1"}).check()
    host.prune("observe").check()
    host.tear_down("first")
    after = host.publish("run/app:1", size=210_000)
    host.publish("run/roll:1", size=120_000)
    host.publish("run/roll:2", size=130_000)
    host.deploy("second", {"app": "run/app:1", "roll": "run/roll:1"}).check()
    host.docker("service", "update", "--detach=false", "--image", "run/roll:2", "second_roll")
    ended = ("--filter", "status=exited", "--filter", "label=com.docker.swarm.service.name=second_roll")
    host.docker("rm", *host.docker("ps", "--all", "--quiet", *ended).split())
    host.publish("run/stopped:1", size=140_000)
    host.docker("pull", "run/stopped:1")
    host.docker("create", "--name", "stopped", "run/stopped:1", "true")
    base = host.publish("kept/base:1", size=150_000)
    host.docker("pull", f"kept/base@{base}")
    host.docker("pull", "harbour/notes:latest")
    torn_down = host.publish("run/torn-down:1", size=160_000)
    host.deploy("third", {"app": "run/torn-down:1"}).check()
    host.prune("observe").check()
    host.tear_down("third")
    leftover = host.sh("echo one > /tmp/f; tar -C /tmp -c f | docker import -")
    host.sh("echo two > /tmp/f; tar -C /tmp -c f | docker import - made/here:1")
    host.age()

    superseded = host.id(f"run/app@{before}")
    plan = host.plan()
    assert {victim["id"]: victim["class"] for victim in plan["victims"]} == {
        leftover: "orphaned",
        superseded: "superseded",
    }
    assert host.row(f"run/app@{after}") == "container"
    assert host.row("made/here:1") == "unknown origin"
    assert host.row(f"kept/base@{base}") == "keep"
    assert host.row("run/stopped:1") == "container"
    assert host.row(f"run/torn-down@{torn_down}") == "cached"
    assert host.docker("image", "inspect", "--format", "{{.Created}}", "harbour/notes:latest") < "2021"
    assert host.row("harbour/notes:latest") == "cached", "built in 2020, pulled today"
    rollback = host.docker(
        "service", "inspect", "--format", "{{.PreviousSpec.TaskTemplate.ContainerSpec.Image}}", "second_roll"
    )
    assert host.row(rollback.replace(":1@", "@")) == "rollback"

    survivors = host.references() - {f"run/app@{before}", f"run/app:1@{before}"}
    outcome = host.sweep()
    assert set(reasons(outcome, [leftover, superseded])) == {image["id"] for image in outcome["removed"]}
    assert host.references() == survivors
    host.docker("service", "rollback", "--detach=false", "second_roll")


def test_a_lease_closes_the_gate(host: AgentHost) -> None:
    host.publish("run/idle:1")
    host.docker("pull", "run/idle:1")
    host.age()
    assert host.plan()["victims"]
    lease = host.prune("lease", "--hold", "600", "--owner", "the nightly run").check().text
    outcome = host.sweep(1)
    assert not outcome["removed"]
    assert "the nightly run" in outcome["gates"]["lease"]["reason"]
    host.prune("lease", "--release", lease).check()
    command = "sh -c 'echo $$ > /run/leased; exec sleep 600'"
    host.sh(f"{paths.ARCHIVE} lease --owner 'a command' -- {command} > /dev/null 2>&1 &")
    soon(lambda: "a command" in gates(host).get("lease", {}).get("reason", ""), "the command's lease")
    assert not host.sweep(1)["removed"]
    host.sh("kill -9 $(cat /run/leased)")
    soon(lambda: "lease" not in gates(host), "the end of the lease of a command that crashed")
    assert len(host.sweep()["removed"]) == 1


def test_a_timed_lease_survives_a_reboot(host: AgentHost) -> None:
    host.prune("lease", "--hold", "3600", "--owner", "over the reboot").check()
    host.machine.instance.request_restart(force=False, timeout=60)
    soon(lambda: host.run("docker", "info").ok, "Docker after the restart", 120)
    assert "over the reboot" in gates(host)["lease"]["reason"]
    assert host.sh(f"systemctl is-active {paths.WATCH} {paths.TIMER}; true").split() == ["active", "active"]


def test_a_service_that_does_not_converge_closes_the_gate(host: AgentHost) -> None:
    host.publish("run/idle:1")
    host.docker("pull", "run/idle:1")
    host.age()
    host.docker("service", "create", "--detach", "--no-resolve-image", "--name", "stuck", "run/no-such:1")
    outcome = host.sweep(1)
    assert not outcome["removed"]
    assert "stuck" in outcome["gates"]["deploying"]["reason"]
    assert host.has("run/idle:1")


@contextmanager
def slow_pull(host: AgentHost) -> Iterator[str]:
    """A pull by hand of `run/large:1` that is in flight within, as the gate says, and that ends well."""
    host.publish("run/large:1", size=20_000_000)
    hub = Lab.default().hub
    slow = Fault(effect="slow", kind="layer", repository="run/large", bytes_per_second=2_000_000)
    number = hub.control.inject(slow)
    host.sh("docker pull run/large:1 > /tmp/pull 2>&1 &")
    try:
        yield str(soon(lambda: gates(host).get("deploying", {}).get("reason"), "a pull by hand to be seen"))
    finally:
        hub.control.withdraw(number)
    soon(lambda: host.has("run/large:1"), "the end of the pull", 300)
    host.docker("run", "--detach", "run/large:1", "sleep", "100000")


def test_a_pull_in_flight_closes_the_gate(host: AgentHost) -> None:
    """By hand, which no API lists: the files that grow tell."""
    host.publish("run/idle:1")
    host.docker("pull", "run/idle:1")
    host.age()
    with slow_pull(host) as seen:
        assert "a pull is in flight" in seen
        assert not host.sweep(1)["removed"]


def test_a_full_disk_waits_for_no_pull_for_ever(host: AgentHost) -> None:
    """And the pull beside the sweep comes to its end, with all that it had fetched by then."""
    host.publish("run/idle:1")
    host.docker("pull", "run/idle:1")
    host.age()
    with slow_pull(host):
        change = "import json,sys,time; p=sys.argv[1]; known=json.load(open(p)); "
        change += "known['above_since']=time.time()-7*3600; json.dump(known, open(p, 'w'))"
        host.run("python3", "-c", change, f"{paths.STATE}/{paths.LEDGER_FILE}").check()
        (removed,) = host.sweep(1)["removed"]
        assert removed["refs"][0].startswith("run/idle")
        assert not host.has("run/large:1"), "the pull is still in flight"


def test_a_task_that_prepares_closes_the_gate(host: AgentHost) -> None:
    """And the deploy goes on as if no tick had been."""
    host.publish("run/idle:1")
    host.docker("pull", "run/idle:1")
    host.age()
    host.publish("run/slow:1", size=21_000_000)
    hub = Lab.default().hub
    slow = Fault(effect="slow", kind="layer", repository="run/slow", bytes_per_second=2_000_000)
    number = hub.control.inject(slow)
    host.deploy("prepares", {"app": "run/slow:1"}, wait=False).check()
    try:
        soon(
            lambda: "is preparing" in gates(host).get("deploying", {}).get("reason", ""), "a task to prepare"
        )
        outcome = host.sweep(1)
        assert not outcome["removed"]
        assert "is preparing run/slow:1@" in outcome["gates"]["deploying"]["reason"]
    finally:
        hub.control.withdraw(number)
    shown = ("service", "ps", "--format", "{{.CurrentState}}", "prepares_app")
    soon(lambda: host.docker(*shown).startswith("Running"), "the deploy to end", 300)
    assert host.has("run/idle:1")


def test_a_deploy_that_starts_during_a_sweep_succeeds(host: AgentHost) -> None:
    """Between the sweep's first deletion and its end, both seen in one shell."""
    for number in range(30):
        host.publish(f"run/many-{number}:1", size=100_000 + number)
        host.docker("pull", f"run/many-{number}:1")
    host.publish("run/wanted:1", size=300_000)
    host.docker("pull", "run/wanted:1")
    host.age()
    count = "docker images --quiet | sort -u | wc -l"
    when = host.sh(
        f"before=$({count}); {paths.ARCHIVE} sweep > /tmp/sweep.log 2>&1 & sweep=$!;"
        f" while [ $({count}) -ge $before ]; do kill -0 $sweep || exit 7; done;"
        " docker service create --quiet --detach --name during run/wanted:1 sleep 100000 > /dev/null;"
        " kill -0 $sweep && echo amid; wait"
    )
    assert when == "amid"
    soon(lambda: "1/1" in host.docker("service", "ls"), "the service that came meanwhile")
    soon(lambda: "ended removed=" in host.sh("cat /tmp/sweep.log"), "the end of the sweep")


def test_use_between_two_looks_is_seen(host: AgentHost) -> None:
    """However short, among 300 other events, and over a restart of the daemon."""
    host.set_policy(young="1s", idle_after="4s")
    for name in ("used", "unused"):
        host.publish(f"run/{name}:1", size=100_000 + len(name))
        host.docker("pull", f"run/{name}:1")
    host.age(5)
    host.prune("observe").check()
    host.sh(
        "docker run -d --name short run/used:1; docker rm -f short;"
        "for n in $(seq 150); do docker network create n$n; docker network rm n$n; done > /dev/null",
        timeout=300,
    )
    host.sh("systemctl restart docker")
    soon(lambda: host.run("docker", "info").ok, "Docker after its restart")
    now = json.loads(host.prune("status", "--json").check().stdout)
    assert not [note for note in now["notes"] if "every image counts" in note]
    plan = host.plan()
    assert not plan["unreadable"]
    used = [image for image in (*plan["victims"], *plan["kept"]) if image["id"] == host.id("run/used:1")]
    assert len(used) == 1, plan
    (unused,) = [image for image in plan["victims"] if image["id"] == host.id("run/unused:1")]
    assert host.last_used(used[0]) > host.last_used(unused)


def test_an_image_that_docker_does_not_list_stays(host: AgentHost) -> None:
    """On the containerd store: its layers lay there unpacked, for a container, when it was pulled again."""
    host.publish("run/unlisted:1")
    host.docker("pull", "run/unlisted:1")
    host.docker("create", "--name", "holder", "run/unlisted:1")
    identity = host.id("run/unlisted:1")
    host.docker("rmi", "--force", "run/unlisted:1")
    if host.has(identity):  # without a name, where a container still is of it
        host.docker("rmi", "--force", identity)
    host.docker("pull", "run/unlisted:1")
    host.docker("run", "--detach", "--name", "runs", "run/unlisted:1", "sleep", "100000")
    listed = identity in host.images()
    assert listed is (host.store == "classic")
    try:
        host.age()
        outcome = host.sweep()
        assert not outcome["unreadable"]
        assert host.id("run/unlisted:1") == identity
        assert host.docker("ps", "--filter", "name=runs", "--format", "{{.State}}") == "running"
    finally:
        host.sh("docker rm --force holder runs; docker rmi --force run/unlisted:1")


def test_a_broken_policy_fails_the_unit_and_deletes_nothing(host: AgentHost) -> None:
    host.publish("run/idle:1")
    host.docker("pull", "run/idle:1")
    host.age()
    host.machine.instance.write_file(paths.POLICY, b'{"high_watermark": "full"}', mode=0o644)
    assert not host.run("systemctl", "start", paths.SERVICE).ok
    assert host.sh(f"systemctl is-failed {paths.SERVICE}; true") == "failed"
    assert "high_watermark must be a number of percent" in host.said()
    assert host.has("run/idle:1")
    host.set_policy()
    host.run("systemctl", "start", paths.SERVICE)  # it still fails: even so the disk is above 2 %
    assert not host.has("run/idle:1")


def test_the_unit_pins_what_a_recipe_on_the_host_names(host: AgentHost) -> None:
    host.publish("run/pinned:1")
    host.docker("pull", "run/pinned:1")
    home = "/home/deployer"  # of another user, and closed to all others
    host.sh(f"mkdir -p {home}/recipes/one && chmod 0700 {home} && chown -R nobody {home}")
    compose = b"services:\n  app:\n    image: run/pinned:${VERSION:-1}\n"
    host.machine.instance.write_file(f"{home}/recipes/one/compose.yml", compose, mode=0o644)
    host.set_policy(recipe_roots=[f"{home}/recipes"])
    host.age()
    host.run("systemctl", "start", paths.SERVICE)
    assert host.has("run/pinned:1")
    last = json.loads(host.prune("status", "--json").check().stdout)["last"]
    assert last["kept_by_row"] == {"pinned": 1}
    assert not last["unreadable"]
