"""The Docker daemon: its version, its image store, its swarm, and settings that would mask a pull."""

import json
import shlex
from dataclasses import dataclass

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import DockerGet, ReadFile, RunCommand
from ccci_host.records import StoreKind

INFO = DockerGet("/info")
VERSION = DockerGet("/version")
ENVIRONMENT = RunCommand(("systemctl", "show", "docker.service", "--property=Environment", "--value"))
DEFAULTS = ReadFile("/etc/default/docker")
"""Debian's unit takes more of the daemon's environment from here."""

PREFER_OFFLINE = "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE"
"""A variable that moby obeys where its value is `1`, and no other."""


@dataclass(frozen=True, slots=True)
class Swarm:
    """The daemon's part in a swarm."""

    state: str
    """`inactive`, `pending`, `active`, `error` or `locked`."""
    is_manager: bool
    nodes: int
    """0 unless this node is a manager."""
    error: str


@dataclass(frozen=True, slots=True)
class Docker:
    """The daemon as it answers."""

    id: str
    """What the daemon calls itself; it stays as long as the daemon's data does."""
    version: str
    api_version: str
    store: StoreKind
    root: str
    """Folder that holds the classic store."""
    swarm: Swarm
    mirrors: tuple[str, ...]
    """Registry mirrors: a pull that one of them answers tells Docker Hub nothing."""
    prefers_offline_images: bool
    """Whether services skip pulls of images that are here, which would mask a broken one."""

    @property
    def version_number(self) -> tuple[int, ...]:
        """The version to compare with: (26, 1, 5)."""
        number = self.version.partition("+")[0].partition("-")[0]
        return tuple(int(part) for part in number.split(".") if part.isdigit())


def parse_docker(answers: Answers) -> Docker | Absent | Unreadable:
    """Read the daemon's `/info` and `/version`; `Absent` when there is no socket, so no Docker."""
    info, version = answers[INFO], answers[VERSION]
    if not isinstance(info, Present):
        return info
    if not isinstance(version, Present):
        return version
    about, swarm = json.loads(info.content), json.loads(info.content).get("Swarm") or {}
    status = {str(pair[0]): str(pair[1]) for pair in about.get("DriverStatus") or ()}
    registries = about.get("RegistryConfig") or {}
    return Docker(
        id=about.get("ID", ""),
        version=json.loads(version.content)["Version"],
        api_version=json.loads(version.content)["ApiVersion"],
        store="containerd" if status.get("driver-type", "").startswith("io.containerd") else "classic",
        root=about.get("DockerRootDir", ""),
        swarm=Swarm(
            state=swarm.get("LocalNodeState", "inactive"),
            is_manager=bool(swarm.get("ControlAvailable")),
            nodes=int(swarm.get("Nodes") or 0),
            error=swarm.get("Error", ""),
        ),
        mirrors=tuple(registries.get("Mirrors") or ()),
        prefers_offline_images=any(
            _sets(f"{PREFER_OFFLINE}=1", answer) for answer in (answers[ENVIRONMENT], answers[DEFAULTS])
        ),
    )


DOCKER = Fact("docker", (INFO, VERSION, ENVIRONMENT, DEFAULTS), parse_docker)


def _sets(assignment: str, environment: Answer) -> bool:
    return isinstance(environment, Present) and any(
        assignment in _words(line)
        for line in environment.text.splitlines()
        if not line.lstrip().startswith("#")
    )


def _words(line: str) -> list[str]:
    """The words of a line without the quotes around them or in them, which are a shell's or systemd's."""
    try:
        return shlex.split(line)
    except ValueError:  # a quote that another line closes
        return line.split()
