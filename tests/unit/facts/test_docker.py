from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.docker import DEFAULTS, ENVIRONMENT, INFO, VERSION, Docker, Swarm, parse_docker
from tests.unit.facts.host_answers import said

CLASSIC: dict[str, Any] = {
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
    "DockerRootDir": "/var/lib/docker",
    "Swarm": {"LocalNodeState": "active", "ControlAvailable": True, "Nodes": 1, "Error": ""},
    "RegistryConfig": {"Mirrors": None},
}
CONTAINERD: dict[str, Any] = {
    **CLASSIC,
    "Driver": "overlayfs",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
}


def parse(info: dict[str, Any], environment: str = "\n", defaults: str = "") -> Docker:
    version = said({"Version": "26.1.5+dfsg1", "ApiVersion": "1.45"})
    answers = {
        INFO: said(info),
        VERSION: version,
        ENVIRONMENT: Present(environment.encode()),
        DEFAULTS: Present(defaults.encode()),
    }
    docker = parse_docker(Answers(answers))
    assert isinstance(docker, Docker)
    return docker


def test_the_image_store_is_told_by_the_driver_status() -> None:
    assert parse(CLASSIC).store == "classic"
    assert parse(CONTAINERD).store == "containerd"


def test_versions_compare_as_numbers() -> None:
    assert parse(CLASSIC).version_number == (26, 1, 5)


def test_no_swarm_is_inactive() -> None:
    expected = Swarm(state="inactive", is_manager=False, nodes=0, error="")

    assert parse({**CLASSIC, "Swarm": {"LocalNodeState": "inactive"}}).swarm == expected
    assert parse({**CLASSIC, "Swarm": None}).swarm == expected


def test_mirrors_are_told() -> None:
    assert parse({**CLASSIC, "RegistryConfig": {"Mirrors": ["https://m/"]}}).mirrors == ("https://m/",)


@pytest.mark.parametrize(
    ("environment", "prefers"),
    [
        ("DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1\n", True),
        ('A="b c" DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1\n', True),
        ('A=b "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1"\n', True),
        ('A=b "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1 2"\n', False),
        ("DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=0\n", False),
        ("DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=\n", False),
        ("NO_DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1\n", False),
        ("\n", False),
    ],
)
def test_a_daemon_that_skips_pulls_is_told(environment: str, prefers: bool) -> None:
    assert parse(CLASSIC, environment).prefers_offline_images is prefers


def test_debians_file_of_defaults_counts_too_and_a_comment_in_it_does_not() -> None:
    setting = "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1\n"

    assert parse(CLASSIC, defaults=f'DOCKER_OPTS="-H x"\nexport {setting}').prefers_offline_images
    assert parse(CLASSIC, defaults='DOCKER_SERVICE_PREFER_OFFLINE_IMAGE="1"').prefers_offline_images
    assert parse(CLASSIC, defaults=f'DOCKER_OPTS="\n{setting}').prefers_offline_images
    assert not parse(CLASSIC, defaults=f"# {setting}").prefers_offline_images


def test_no_daemon_and_a_dead_one_are_two_answers() -> None:
    dead = Unreadable("the Docker daemon does not answer")

    assert (
        parse_docker(Answers({INFO: Absent(), VERSION: Absent(), ENVIRONMENT: Absent(), DEFAULTS: Absent()}))
        == Absent()
    )
    assert (
        parse_docker(Answers({INFO: dead, VERSION: dead, ENVIRONMENT: Absent(), DEFAULTS: Absent()})) == dead
    )
