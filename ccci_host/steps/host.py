"""The host is fit: Docker, Python and systemd are there and recent enough. Changes nothing."""

from ccci_host.errors import HostError
from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.collector import Facts
from ccci_host.facts.docker import DOCKER, PREFER_OFFLINE, Docker
from ccci_host.facts.host import HOST, Host
from ccci_host.steps.step import Plan, Step, Wanted

OLDEST_DOCKER = (20, 10)
OLDEST_PYTHON = (3, 9)
WITHOUT_STACK_CONFIG = (20, 10)
"""The release whose CLI has no `docker stack config` (docs/retention.md)."""


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """Nothing to change; raises `HostError` when the host is unfit."""
    host, docker = facts[HOST], running_docker(facts, wanted)
    _require_versions(host, docker, wanted.host)
    return Plan(
        f"{host.os_name}, systemd {host.systemd}, Python {dotted(host.python)}, Docker {docker.version} "
        f"with the {docker.store} image store",
        warnings=tuple(_maskings(docker)),
    )


def running_docker(facts: Facts, wanted: Wanted) -> Docker:
    """The daemon's facts; raises `HostError` when there is none or it does not answer."""
    docker = facts[DOCKER]
    if isinstance(docker, Absent):
        raise HostError(
            f"{wanted.host} has no Docker: there is no /var/run/docker.sock.",
            resolution="Install Docker 20.10 or newer on it and start `docker.service`.",
        )
    if isinstance(docker, Unreadable):
        raise HostError(
            f"Docker on {wanted.host} does not answer.",
            details=docker.reason,
            resolution="`systemctl status docker` on the host says why; nothing was changed.",
        )
    return docker


def dotted(version: tuple[int, ...]) -> str:
    """A version as text."""
    return ".".join(str(part) for part in version)


def _require_versions(host: Host, docker: Docker, name: str) -> None:
    if host.systemd is None:
        raise HostError(
            f"{name} has no systemd.",
            details=f"It is {host.os_name}.",
            resolution="The prune timer is a systemd unit: use a host whose init is systemd.",
        )
    for what, seen, oldest in (
        ("Docker", docker.version_number, OLDEST_DOCKER),
        ("Python", host.python, OLDEST_PYTHON),
    ):
        if seen < oldest:
            raise HostError(
                f"{what} {dotted(seen)} on {name} is too old.",
                resolution=f"Upgrade it to {dotted(oldest)} or newer.",
            )


def _maskings(docker: Docker) -> list[str]:
    found = []
    if docker.version_number[:2] == WITHOUT_STACK_CONFIG:
        found.append(
            f"The CLI of Docker {docker.version} has no `docker stack config`: the deployer `stack` deploys "
            "nothing here, and of what recipes in `recipe_roots` pin only the repositories are known."
        )
    if docker.prefers_offline_images:
        found.append(
            f"dockerd runs with {PREFER_OFFLINE}: services skip pulls, so that a broken image goes unseen. "
            "Take it out of docker.service's environment."
        )
    if docker.mirrors:
        mirrors = ", ".join(docker.mirrors)
        found.append(
            f"dockerd pulls through {mirrors}: what that mirror holds costs no quota and shows in no log "
            "of the registry."
        )
    return found


STEP = Step("host", after=(), facts=lambda _: (HOST, DOCKER), plan=plan)
