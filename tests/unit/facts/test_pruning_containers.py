import json
import re
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.pruners import parse_pruners
from ccci_host.facts.pruning_containers import CONTAINERS
from tests.unit.facts.host_answers import pruner_answers, said

SOCKET = {"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/var/run/docker.sock"}


def container(image: str, *command: str, running: bool = True, **config: Any) -> dict[str, Any]:
    return {
        "Name": "/janitor",
        "State": {"Running": running},
        "Config": {
            "Image": image,
            "Entrypoint": None,
            "Cmd": list(command),
            "Env": [],
            "Labels": {},
            **config,
        },
        "Mounts": [SOCKET],
    }


def service(
    image: str, *args: str, replicas: int | None = 1, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    mode: dict[str, Any] = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
    spec = {"ContainerSpec": {"Image": image, "Args": list(args)}}
    return {"Spec": {"Name": "janitor", "Labels": labels or {}, "Mode": mode, "TaskTemplate": spec}}


@pytest.mark.parametrize(
    "found",
    [
        container("stephanmisc/docuum:0.25"),
        container("spotify/docker-gc"),
        container("containrrr/watchtower", "--cleanup"),
        container("containrrr/watchtower", Env=["WATCHTOWER_CLEANUP=true"]),
        container("containrrr/shepherd:1", Env=["IMAGE_AUTOCLEAN_LIMIT=5"]),
        container("shizunge/gantry"),
        container("getwud/wud", Env=["WUD_TRIGGER_DOCKER_LOCAL_PRUNE=true"]),
        container("drone/gc"),
        container("docker:cli", "sh", "-c", "while true; do docker image prune -f; sleep 86400; done"),
    ],
)
def test_a_janitor(found: dict[str, Any]) -> None:
    (pruner,) = parse_pruners(pruner_answers(containers=said([found]))).active

    assert (pruner.kind, pruner.name) == ("container", "janitor")
    assert pruner.stop == (("docker", "update", "--restart", "no", "janitor"), ("docker", "stop", "janitor"))


OTHERS = [
    ({"Labels": {"ofelia.tidy.command": "docker system prune -f"}}, "its label ofelia.tidy.command"),
    ({"Env": ["COMMAND=docker rmi $(docker images -q)"]}, "its variable COMMAND"),
    ({"Cmd": ["server", "--each-night", "docker image prune -f"]}, "that part of its command"),
]


@pytest.mark.parametrize(("told", "by"), OTHERS)
def test_a_container_that_is_told_of_a_removal_is_left_to_a_person(told: dict[str, Any], by: str) -> None:
    (pruner,) = parse_pruners(pruner_answers(containers=said([container("ci", **told)]))).active

    assert pruner.stop == ()
    assert pruner.remedy == (
        f"It may do other work too: take {by} out of what makes the container, and make it anew."
    )


def test_a_service_that_is_told_of_a_removal_is_left_to_a_person() -> None:
    told = service("ci", labels={"run": "docker image prune -f"})

    (pruner,) = parse_pruners(pruner_answers(swarm_services=said([told]))).active

    assert pruner.stop == ()
    assert "take its label run out of the service" in pruner.remedy


def test_an_updater_is_stopped_also_where_its_label_tells_of_a_removal() -> None:
    found = container("containrrr/watchtower", "--cleanup", Labels={"run": "docker rmi x"})

    (pruner,) = parse_pruners(pruner_answers(containers=said([found]))).active

    assert pruner.stop


@pytest.mark.parametrize(
    "listed",
    [
        {"Image": "app", "Mounts": [SOCKET]},
        {"Image": "app", "Mounts": [{"Type": "bind", "Source": "/var/run", "Destination": "/host"}]},
        {"Image": "app", "Mounts": [{"Type": "bind", "Source": "/run/", "Destination": "/host"}]},
        {"Image": "containrrr/watchtower", "Mounts": []},
        {"Image": "app", "Mounts": [], "Command": "docker image prune"},
    ],
)
def test_a_container_that_is_looked_into(listed: dict[str, Any]) -> None:
    assert re.search(CONTAINERS.matching, json.dumps(listed))


def test_a_container_that_cannot_reach_docker_is_not_looked_into() -> None:
    mount = {"Type": "bind", "Source": "/var/run/app", "Destination": "/run/app"}
    assert not re.search(CONTAINERS.matching, json.dumps({"Image": "app", "Mounts": [mount]}))


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (container("spotify/docker-gc", "--token", "dckr_pat_X"), "spotify/docker-gc"),
        (container("docker:cli", "sh", "-c", "docker login -p dckr_pat_X; docker rmi -f x"), "docker rmi -f"),
        (
            container("containrrr/watchtower", "--token", "dckr_pat_X", "--cleanup"),
            "containrrr/watchtower with --cleanup",
        ),
        (container("tidy", Env=["RUN=docker login -p dckr_pat_X && docker rmi x"]), "docker rmi"),
        (container("tidy", Labels={"run": "docker login -p dckr_pat_X && docker rmi x"}), "docker rmi"),
    ],
)
def test_what_else_a_container_says_is_not_shown(found: dict[str, Any], shown: str) -> None:
    (pruner,) = parse_pruners(pruner_answers(containers=said([found]))).active

    assert pruner.command == shown
    assert "dckr_pat_X" not in repr(pruner)


@pytest.mark.parametrize(
    "neighbour",
    [
        container("traefik:v3", "--providers.swarm"),
        container("portainer/agent:2"),
        container("containrrr/watchtower"),
        container("containrrr/watchtower", Env=["WATCHTOWER_CLEANUP=false"]),
        container("shizunge/gantry", Env=["GANTRY_CLEANUP_IMAGES=false"]),
        container("containrrr/shepherd"),
        container("drone/drone-runner-docker:1"),
    ],
)
def test_the_docker_socket_alone_makes_no_janitor(neighbour: dict[str, Any]) -> None:
    assert not parse_pruners(pruner_answers(containers=said([neighbour]))).pruners


def test_a_stopped_janitor_is_named_as_inactive() -> None:
    audit = parse_pruners(pruner_answers(containers=said([container("spotify/docker-gc", running=False)])))

    assert audit.pruners
    assert not audit.active


@pytest.mark.parametrize(
    ("policy", "comes_back"), [("always", True), ("unless-stopped", False), ("no", False)]
)
def test_a_stopped_janitor_that_the_next_boot_starts_is_active(policy: str, comes_back: bool) -> None:
    stopped = container("spotify/docker-gc", running=False)
    stopped["HostConfig"] = {"RestartPolicy": {"Name": policy}}

    audit = parse_pruners(pruner_answers(containers=said([stopped])))

    assert bool(audit.active) == comes_back


def test_a_services_container_is_named_as_the_service() -> None:
    task = container("spotify/docker-gc", Labels={"com.docker.swarm.service.name": "janitor"})
    answers = pruner_answers(containers=said([task]), swarm_services=said([service("spotify/docker-gc")]))

    (pruner,) = parse_pruners(answers).active

    assert (pruner.kind, pruner.stop) == (
        "service",
        (("docker", "service", "scale", "--detach", "janitor=0"),),
    )


def test_a_global_service_is_left_to_a_person() -> None:
    answers = pruner_answers(swarm_services=said([service("spotify/docker-gc", replicas=None)]))

    assert [pruner.stop for pruner in parse_pruners(answers).active] == [()]


def test_a_swarm_cron_job_sleeps_at_no_replicas_and_is_active_all_the_same() -> None:
    job = service(
        "docker:cli", "docker", "system", "prune", replicas=0, labels={"swarm.cronjob.enable": "true"}
    )
    plain = service("docker:cli", "docker", "system", "prune", replicas=0)

    assert parse_pruners(pruner_answers(swarm_services=said([job]))).active
    assert not parse_pruners(pruner_answers(swarm_services=said([plain]))).active


def test_outside_a_swarm_there_are_no_services_to_read() -> None:
    answers = pruner_answers(
        swarm_services=Unreadable("the Docker daemon answered 503: This node is not a swarm manager."),
        info=said({"Swarm": {"LocalNodeState": "inactive"}}),
    )

    assert parse_pruners(answers).unreadable == ()


def test_services_that_a_worker_may_not_list_are_unreadable() -> None:
    answers = pruner_answers(
        swarm_services=Unreadable("the Docker daemon answered 503: not a manager"),
        info=said({"Swarm": {"LocalNodeState": "active", "ControlAvailable": False}}),
    )

    assert parse_pruners(answers).unreadable == (
        "swarm services: the Docker daemon answered 503: not a manager",
    )


def test_a_daemon_that_does_not_answer_is_unreadable_and_no_daemon_is_not() -> None:
    dead = Unreadable("the Docker daemon does not answer: timed out")

    assert parse_pruners(pruner_answers(containers=dead, swarm_services=dead, info=dead)).unreadable
    assert not parse_pruners(
        pruner_answers(containers=Absent(), swarm_services=Absent(), info=Absent())
    ).unreadable
