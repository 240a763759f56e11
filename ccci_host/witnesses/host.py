"""The host under test: versions, store, swarm, the agent's and the policy's hashes.

Looked at before anything is done, and again once the redeploy is over: a setting may wait for the restart.
"""

import json

from ccci_host.agent import paths
from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.disk import CONTAINERD_ROOT, DISKS, STORE_FOLDERS, Disk, disks
from ccci_host.facts.docker import DOCKER, Docker
from ccci_host.facts.probes import DockerGet, HashFile, RunCommand
from ccci_host.records import HostSeen, Moment
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import source

_INFO = DockerGet("/info")
_AGENT = HashFile(paths.ARCHIVE)
_POLICY = HashFile(paths.POLICY)
_RUNNING = RunCommand(("python3", "-I", "-c", source("overrides")))


class HostWitness:
    """Looks again where a restart, of the machine or of dockerd, may have changed what was found."""

    moments: frozenset[Moment] = frozenset({"redeployed", "end"})

    def look(self, machine: Machine, moment: Moment, cycle: int) -> HostSeen:
        """The host now, but for the version of Incus, which is outside of it."""
        return look(machine).model_copy(update={"moment": moment, "cycle": cycle})


def look(machine: Machine, incus: str = "") -> HostSeen:
    """The host now; `incus` is the server's version."""
    try:
        facts = collect(machine, DOCKER, DISKS, MORE, CONTAINERD_ROOT)
        docker, measured = facts[DOCKER], facts[DISKS]
        root = docker.root if isinstance(docker, Docker) else ""
        elsewhere = sorted({root, facts[CONTAINERD_ROOT] or ""} - {"", *STORE_FOLDERS})
        if elsewhere:
            more = disks(*elsewhere)
            others = collect(machine, more)[more]
            measured = {**measured, **others}
    except (CommandFailedError, HostError) as error:
        return HostSeen(incus=incus, instance_kind=machine.instance.kind, problem=str(error))
    seen = facts[MORE].model_copy(
        update={
            "incus": incus,
            "instance_kind": machine.instance.kind,
            "disk_used_percent": max(
                (disk.used_percent for disk in measured.values() if isinstance(disk, Disk)), default=None
            ),
        }
    )
    if isinstance(docker, Absent):
        return seen.model_copy(update={"problem": "there is no Docker socket"})
    if isinstance(docker, Unreadable):
        return seen.model_copy(update={"problem": docker.reason})
    return seen.model_copy(
        update={
            "daemon": docker.id,
            "store": docker.store,
            "engine": docker.version,
            "api": docker.api_version,
            "swarm_nodes": docker.swarm.nodes,
            "swarm_manager": docker.swarm.is_manager,
            "data_root": docker.root,
            "pull_overrides": (
                *(f"registry mirror {mirror}" for mirror in docker.mirrors),
                *seen.pull_overrides,
            ),
        }
    )


def parse(answers: Answers) -> HostSeen:
    """What no other fact reads."""
    info = answers[_INFO]
    about = json.loads(info.content) if isinstance(info, Present) else {}
    running = answers[_RUNNING]
    return HostSeen(
        store_driver=about.get("Driver", ""),
        kernel=about.get("KernelVersion", ""),
        system=about.get("OperatingSystem", ""),
        architecture=about.get("Architecture", ""),
        agent_sha256=_hash(answers[_AGENT]),
        policy_sha256=_hash(answers[_POLICY]),
        pull_overrides=tuple(running.text.split()) if isinstance(running, Present) else (),
        pull_overrides_problem=None
        if isinstance(running, Present)
        else "dockerd's environment is unreadable",
    )


def _hash(answer: Answer) -> str | None:
    return answer.text.strip() or None if isinstance(answer, Present) else None


MORE = Fact("host-under-test", (_INFO, _AGENT, _POLICY, _RUNNING), parse)

WITNESS = HostWitness()
