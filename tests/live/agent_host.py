"""A host of the lab as the agent's live tests need it: provisioned, a policy of seconds, images at will."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ccci_host.agent import paths
from ccci_host.lab import Lab
from ccci_host.lab.images import publish
from ccci_host.provision import provision
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine
from tests.lab_hosts import own_instance

EAGER = {"high_watermark": 2, "low_watermark": 1, "young": "1s", "idle_after": "1s"}
"""A policy under which the disk is always short and everything is soon old."""

WAIT = """
sleep 1
until [ -z "$(docker stack services --format '{{.Replicas}}' "$0" | grep -v '^\\([0-9]*\\)/\\1$')" ] &&
! docker stack services -q "$0" | xargs docker service inspect -f '{{.UpdateStatus}}' | grep -q updating
do sleep 0.2; done
"""
"""Shell: until all replicas of a stack run, and none is being replaced."""

NO_SNAPSHOT = """
until [ "$(ctr -n moby snapshots --snapshotter overlayfs ls | wc -l)" -le 1 ]; do sleep 0.2; done
"""
"""Shell: until containerd holds no unpacked layer. One that outlives its image's blobs hides the next image
that has it (docs/retention.md, "Images that Docker does not list")."""


@dataclass
class AgentHost:
    """One host."""

    store: str
    machine: Machine
    published: list[str] = field(default_factory=list)

    def run(self, *argv: str, input: bytes = b"", timeout: float = 120.0) -> Completed:
        """A command on the host that may as well be run twice, whatever its exit code."""
        return self.machine.run_repeatable(argv, input=input, timeout=timeout)

    def sh(self, line: str, timeout: float = 120.0) -> str:
        """A line of shell on the host; its output. Raises when it fails."""
        return self.run("sh", "-c", line, timeout=timeout).check().text

    def docker(self, *argv: str) -> str:
        """The docker CLI; its output. Raises when it fails."""
        return self.run("docker", *argv).check().text

    def prune(self, *argv: str) -> Completed:
        """A word of the agent, whatever its exit code. Only what changes nothing may be said twice."""
        run = self.machine.run_repeatable if argv[0] in ("plan", "status") else self.machine.executor.run
        return run([paths.ARCHIVE, *argv], timeout=120.0)

    def plan(self) -> dict[str, Any]:
        """The agent's plan."""
        plan: dict[str, Any] = json.loads(self.prune("plan", "--json").check().stdout)
        return plan

    def status(self) -> dict[str, Any]:
        """All that the agent's `status` knows."""
        status: dict[str, Any] = json.loads(self.prune("status", "--json").check().stdout)
        return status

    def row(self, reference: str) -> str:
        """The row that the plan gives to the image that `docker inspect` knows as `reference`."""
        identity = self.id(reference)
        plan = self.plan()
        (found,) = [image for image in (*plan["victims"], *plan["kept"]) if image["id"] == identity]
        return str(found["reason"].split(":")[0])

    def ledger(self, state: str = paths.STATE) -> dict[str, Any]:
        """The ledger as it lies in the folder `state`."""
        content = self.machine.instance.read_file(f"{state}/{paths.LEDGER_FILE}")
        ledger: dict[str, Any] = json.loads(content)
        return ledger

    def first_seen(self, images: set[str], state: str = paths.STATE) -> dict[str, float]:
        """When each of `images` was first seen, by the ledger."""
        entries = self.ledger(state)["images"]
        return {image: entries[image]["first"] for image in images}

    @staticmethod
    def last_used(image: dict[str, Any]) -> str:
        """When an image of a plan was last used, as its reason says it: ISO 8601, to be compared."""
        return str(image["reason"]).partition("last used ")[2].partition(",")[0]

    def id(self, reference: str) -> str:
        """The id of an image."""
        return self.docker("image", "inspect", "--format", "{{.Id}}", reference)

    def has(self, reference: str) -> bool:
        """Whether the store knows an image by that reference."""
        return self.run("docker", "image", "inspect", reference).ok

    def images(self, socket: str = paths.SOCKET) -> dict[str, set[str]]:
        """Every image in the store of the daemon at `socket`, by id, with its references."""
        raw = self.run("curl", "-s", "--unix-socket", socket, "http://d/images/json?all=1").check()
        return {
            image["Id"]: {
                name
                for name in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ()))
                if not name.startswith("<none>")
            }
            for image in json.loads(raw.stdout)
        }

    def references(self) -> set[str]:
        """Every reference of every image in the store."""
        return {name for names in self.images().values() for name in names}

    def delete(self, reference: str) -> int:
        """`DELETE /images/…?noprune=1`; the HTTP status."""
        done = self.run(
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "DELETE",
            "--unix-socket", paths.SOCKET, f"http://d/images/{reference}?noprune=1",
        )  # fmt: skip
        return int(done.check().text)

    def publish(self, reference: str, *, size: int = 100_000) -> str:
        """Publish an image at the stand-in for Docker Hub; its digest. Another size is another image."""
        self.published.append(reference)
        return publish(Lab.default().hub, reference, size=size)

    def set_policy(self, **changes: Any) -> None:
        """Put a policy on the host: `EAGER` with `changes`."""
        text = json.dumps({**EAGER, **changes})
        self.machine.instance.write_file(paths.POLICY, text.encode(), mode=0o644)

    def clean(self) -> None:
        """Remove stacks, containers and images, and the agent's memory of them."""
        self.sh(
            "docker stack ls --format '{{.Name}}' | xargs -r docker stack rm;"
            "docker service ls -q | xargs -r docker service rm;"
            "docker ps -aq | xargs -r docker rm -f;"
            'until [ -z "$(docker ps -aq)" ]; do sleep 0.2; done;'
            "docker images -aq | sort -u | xargs -r docker rmi -f 2>/dev/null;"
            f"systemctl stop {paths.WATCH}; rm -rf {paths.STATE}/*; systemctl start {paths.WATCH}"
        )
        if self.store == "containerd":
            self.sh(NO_SNAPSHOT)
        self.set_policy()

    def age(self, seconds: float = 1.5) -> None:
        """Look, let images grow old, so that the next look finds them so."""
        self.prune("observe").check()
        self.run("sleep", str(seconds))

    def deploy(self, stack: str, services: dict[str, str], *, wait: bool = True) -> Completed:
        """`docker stack deploy` of services that run for ever, by their images."""
        lines = ['version: "3.8"', "services:"]  # Docker 20.10 wants to be told
        for name, image in services.items():
            lines += [f"  {name}:", f"    image: {image}", '    command: ["sleep", "100000"]']
            lines += ["    stop_grace_period: 0s"]
        argv = ["docker", "stack", "deploy", "--with-registry-auth", "-c", "-", stack]
        compose = "\n".join(lines).encode()
        done = self.run(*argv, f"--detach={'false' if wait else 'true'}", input=compose)
        if "unknown flag: --detach" not in done.stderr.decode():
            return done
        done = self.run(*argv, input=compose)  # Docker before 26 never waits
        if wait and done.ok:
            self.run("sh", "-c", WAIT, stack).check()
        return done

    def tear_down(self, stack: str) -> None:
        """`docker stack rm`, until nothing is left. Docker 28 refuses a network whose tasks still end."""
        mine = f"label=com.docker.stack.namespace={stack}"
        self.sh(
            f"until docker stack rm {stack}; do sleep 0.1; done;"
            f'until [ -z "$(docker ps -aq --filter {mine})" ]; do sleep 0.1; done'
        )

    def said(self) -> str:
        """What the unit's last tick said."""
        tick = self.sh(f"systemctl show --property=InvocationID --value {paths.SERVICE}")
        return self.sh(f"journalctl _SYSTEMD_INVOCATION_ID={tick} -o cat --no-pager")

    def sweep(self, *expected: int) -> dict[str, Any]:
        """A tick; its outcome."""
        done = self.prune("sweep", "--json")
        if expected:
            assert done.exit_code in expected, done.stdout.decode() + done.stderr.decode()
        outcome: dict[str, Any] = json.loads(done.text[done.text.index("\n{") :])
        return outcome


@contextmanager
def agent_host(store: str, *, data_gb: float = 1.0, name: str = "") -> Iterator[AgentHost]:
    """A host of one's own with the given store, provisioned, its timer stopped: ticks are the test's."""
    name = name or f"agent-{store}"
    with (
        own_instance(name, store=store, data_gb=data_gb) as config,
        open_machine(name, config.host[name]) as machine,
    ):
        provision(machine)
        host = AgentHost(store, machine)
        host.sh(f"systemctl stop {paths.TIMER}")
        host.clean()
        yield host


def reasons(outcome: dict[str, Any], images: Sequence[str]) -> dict[str, str]:
    """Why each of `images` was removed, by id; raises KeyError when one was not."""
    removed = {image["id"]: image["reason"] for image in outcome["removed"]}
    return {image: removed[image] for image in images}
