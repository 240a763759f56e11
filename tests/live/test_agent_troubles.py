"""A stranger, a forgotten lease, a broken image, a builder: retention works on, or says loudly that not."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ccci_host.agent import paths
from ccci_host.waiting import pause, wait_until
from tests.live.agent_host import AgentHost, agent_host

pytestmark = pytest.mark.live

IDLE = "run/idle:1"
"""An image that nothing holds."""
HOUR = 3600.0


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[AgentHost]:
    with agent_host(request.param) as host:
        host.publish(IDLE)
        yield host


@pytest.fixture
def host(shared: AgentHost) -> AgentHost:
    shared.clean()
    shared.set_policy(high_watermark=0.2, low_watermark=0.1)
    shared.docker("pull", IDLE)
    shared.age()
    return shared


def journal_of_a_failed_tick(host: AgentHost) -> str:
    """What the timer's unit said last; it must have failed, and say since when the disk is too full."""
    assert not host.run("systemctl", "start", paths.SERVICE).ok
    said = host.said()
    assert "above the high watermark of 0.2 % since 20" in said
    return said


def test_a_service_that_crash_loops(host: AgentHost) -> None:
    """It may be a deploy for six hours, and is said to be; from then on it only holds its image."""
    looping = host.publish("run/looping:1", size=120_000)
    create = ("service", "create", "--detach", "--name", "looping", "--entrypoint", "/no-such-program")
    host.docker(*create, "run/looping:1")
    wait_until(lambda: host.has(f"run/looping@{looping}") or None, what="its image", timeout=120)
    assert "looping: " in journal_of_a_failed_tick(host)
    assert host.has(IDLE)

    host.sh("rm -rf /tmp/recorded")
    host.prune("snapshot", "/tmp/recorded").check()
    seven_hours_on = float(host.sh("date +%s")) + 7 * HOUR
    plan = json.loads(
        host.prune(
            "plan", "--json", "--from", "/tmp/recorded", "--ledger", f"{paths.STATE}/{paths.LEDGER_FILE}",
            "--policy", paths.POLICY, "--now", str(seven_hours_on), "--disk-used-percent", "90",
        ).check().stdout
    )  # fmt: skip
    assert not plan["gates"]
    assert [victim["id"] for victim in plan["victims"]] == [host.id(IDLE)]
    assert [kept["id"] for kept in plan["kept"]] == [host.id(f"run/looping@{looping}")]


def test_a_forgotten_lease(host: AgentHost) -> None:
    """It names its holder for as long as it lasts, and that is not for ever, whatever its record says."""
    lease = host.prune("lease", "--hold", "21600", "--owner", "who forgot").check().text
    assert "held by who forgot since 20" in journal_of_a_failed_tick(host)
    assert host.has(IDLE)

    record = f"{paths.STATE}/{paths.LEASE_FOLDER}/{lease}.json"
    far = json.loads(host.machine.instance.read_file(record)) | {"until": time.time() + 240 * HOUR}
    host.machine.instance.write_file(record, json.dumps(far).encode(), mode=0o644)
    until = host.prune("plan", "--json").check().stdout
    assert json.loads(until)["gates"]["lease"]["until"] < time.time() + 6 * HOUR + 60

    host.machine.instance.write_file(
        record, json.dumps(far | {"until": time.time() + 2}).encode(), mode=0o644
    )
    pause(2.5)
    assert [removed["refs"][0] for removed in host.sweep()["removed"]] == [IDLE]


@contextmanager
def moved_away(host: AgentHost, path: str) -> Iterator[None]:
    """A path on the host that is not there meanwhile."""
    host.docker("info")
    host.sh(f"mv {path} {path}.away")
    try:
        yield
    finally:
        host.sh(f"mv {path}.away {path}")


def test_an_image_that_cannot_be_inspected(host: AgentHost) -> None:
    """The classic store lists it: it stays, and others go. The containerd store then lists none."""
    host.publish("run/broken:1", size=120_000)
    host.docker("pull", "run/broken:1")
    host.age()
    broken, idle = host.id("run/broken:1"), host.id(IDLE)
    with moved_away(host, part_of(host, "run/broken:1")):
        assert not host.run("docker", "image", "inspect", "run/broken:1").ok
        if host.store == "classic":
            plan = host.plan()
            assert [victim["id"] for victim in plan["victims"]] == [idle]
            assert [(kept["id"], kept["reason"].split(":")[0]) for kept in plan["kept"]] == [
                (broken, "uninspectable")
            ]
            assert [removed["id"] for removed in host.sweep()["removed"]] == [idle]
        else:
            assert "nothing can be decided: images: " in journal_of_a_failed_tick(host)
    assert host.has("run/broken:1")
    assert host.has(IDLE) == (host.store == "containerd")
    assert {removed["id"] for removed in host.sweep()["removed"]} <= {broken, idle}
    assert not host.images()


def part_of(host: AgentHost, reference: str) -> str:
    """A path in the store without which an image cannot be inspected."""
    if host.store == "classic":
        form = "{{.GraphDriver.Data.UpperDir}}"
        return host.docker("image", "inspect", "--format", form, reference).removesuffix("/diff")
    blobs = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
    index = json.loads(host.sh(f"cat {blobs}/{host.id(reference).partition(':')[2]}"))
    manifest = json.loads(host.sh(f"cat {blobs}/{index['manifests'][0]['digest'].partition(':')[2]}"))
    return f"{blobs}/{manifest['config']['digest'].partition(':')[2]}"


def test_what_a_builder_leaves(host: AgentHost) -> None:
    """The image that lost its tag to the next build goes; the next, and what both are built on, stay."""
    host.set_policy(high_watermark=0.2, low_watermark=0.1, idle_after="10h")
    build = "DOCKER_BUILDKIT=0 docker build --quiet --tag made/here:1 -"
    for content in ("one", "two"):
        host.sh(f"printf 'FROM {IDLE}\\nRUN echo {content} > /content\\n' | {build}")
        if content == "one":
            leftover = host.id("made/here:1")
    host.age()
    survivors = {identity: names for identity, names in host.images().items() if identity != leftover}
    assert {*survivors} >= {host.id("made/here:1"), host.id(IDLE)}
    outcome = host.sweep()
    assert {removed["id"]: removed["class"] for removed in outcome["removed"]} == {leftover: "orphaned"}
    assert host.images() == survivors
