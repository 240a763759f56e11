"""Strangers are all but the experiments' own stacks."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.recipes import Recipe, own_domain, stack_name
from ccci_host.records import StrangeService
from ccci_host.witnesses import strangers
from tests.unit.witnesses.scripted import machine_answering

OWN = {"com.docker.stack.namespace": "ccci-small--1a2b_test"}
THEIRS = {"com.docker.stack.namespace": "cccishop", "com.docker.swarm.service.name": "cccishop_web"}


def container(identity: str, labels: dict[str, str] | None) -> dict[str, Any]:
    return {
        "Id": identity,
        "Name": f"/{identity}",
        "Image": "sha256:i",
        "State": {
            "Status": "running",
            "StartedAt": "2026-01-01T00:00:00Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            "ExitCode": 0,
        },
        "RestartCount": 3,
        "HostConfig": {"RestartPolicy": {"Name": ""}, "AutoRemove": True},
        "Config": {"Labels": labels},
    }


def service(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "Spec": {
            "Name": name,
            "Labels": labels,
            "TaskTemplate": {"ContainerSpec": {"Image": "shop:1@sha256:d"}},
        },
        "Version": {"Index": 7},
        "ServiceStatus": {"RunningTasks": 1, "DesiredTasks": 2},
    }


VOLUMES = [
    {"Name": "data", "Labels": None},
    {"Name": "ours", "Labels": OWN},
    {"Name": "3f", "Labels": {"com.docker.volume.anonymous": ""}},
]


def answers(**given: Answer) -> Answers:
    usual: dict[str, Answer] = {
        "containers": present([container("b", None), container("a", THEIRS), container("c", OWN)]),
        "services": present([service("cccishop_web", THEIRS), service("ours", OWN)]),
        "volumes": present({"Volumes": VOLUMES}),
        **given,
    }
    probes: dict[str, Any] = {
        "containers": strangers._CONTAINERS,
        "services": strangers._SERVICES,
        "volumes": strangers._VOLUMES,
    }
    return Answers({probes[name]: answer for name, answer in usual.items()})


@pytest.mark.parametrize("token", ["ab12", "0000"])
@pytest.mark.parametrize("name", ["small", "Mail Server", "x" * 60])
def test_a_stack_with_a_token_is_an_experiments_and_one_of_a_deploy_is_not(
    name: str, token: str, tmp_path: Path
) -> None:
    recipe = Recipe(name, tmp_path, "1")
    assert strangers.is_own({strangers.STACK_LABEL: stack_name(own_domain(recipe, token))})
    assert not strangers.is_own({strangers.STACK_LABEL: stack_name(own_domain(recipe))})
    assert not strangers.is_own(
        {strangers.STACK_LABEL: stack_name(own_domain(Recipe(f"a-{token}", tmp_path, "1")))}
    )


def present(value: Any) -> Present:
    return Present(json.dumps(value).encode())


def test_a_name_that_only_begins_alike_is_a_strangers() -> None:
    seen = strangers.parse(answers())
    assert [(one.id, one.service, one.restarts) for one in seen.containers] == [
        ("a", "cccishop_web", 3),
        ("b", "", 3),
    ]
    assert seen.services == (("cccishop_web", 7),)
    assert [(one.name, one.image, one.running, one.desired) for one in seen.states] == [
        ("cccishop_web", "shop:1@sha256:d", 1, 2)
    ]
    assert seen.volumes == ("data",)


def test_a_service_is_known_by_its_spec_and_nothing_of_the_spec_is_kept() -> None:
    """The index of its version is raised by swarm's own notes as well."""
    listed = answers()[strangers._SERVICES]
    assert isinstance(listed, Present)
    listing = json.loads(listed.content)

    def spec_of(**changes: Any) -> str:
        service = {**listing[0], **changes}
        return strangers.parse(answers(services=present([service]))).states[0].spec

    same = spec_of()
    assert len(same) == 64
    assert spec_of(Version={"Index": 99}) == same
    assert spec_of(Spec={**listing[0]["Spec"], "Mode": {"Replicated": {"Replicas": 9}}}) != same


CRON = {"swarm.cronjob.enable": "true", "swarm.cronjob.schedule": "0 4 * * *"}


def state_of(
    labels: dict[str, str], mode: dict[str, Any], *, forced: int = 0, image: str = "b:1"
) -> StrangeService:
    spec = {
        "Name": "backup_cron",
        "Labels": labels,
        "TaskTemplate": {"ContainerSpec": {"Image": image}, "ForceUpdate": forced},
        "Mode": mode,
    }
    listed = present([{"Spec": spec, "Version": {"Index": 7}}])
    return strangers.parse(answers(services=listed)).states[0]


def replicated(replicas: int) -> dict[str, Any]:
    return {"Replicated": {"Replicas": replicas}}


def test_a_start_by_force_is_told_apart_from_another_spec() -> None:
    was, now = state_of({}, replicated(1)), state_of({}, replicated(1), forced=7)
    assert was.spec == now.spec
    assert (was.forced, now.forced) == (0, 7)
    assert state_of({}, replicated(1), forced=7, image="b:2").spec != now.spec


@pytest.mark.parametrize(
    ("labels", "before", "after"),
    [
        ({}, replicated(0), replicated(1)),
        ({}, replicated(1), replicated(1)),
        ({"swarm.cronjob.replicas": "3"}, replicated(0), replicated(3)),
        ({"swarm.cronjob.replicas": "many"}, replicated(1), replicated(0)),
        (
            {},
            {"ReplicatedJob": {"TotalCompletions": 2}},
            {"ReplicatedJob": {"TotalCompletions": 2, "MaxConcurrent": 1}},
        ),
        ({}, {"GlobalJob": {}}, {"GlobalJob": {}}),
    ],
)
def test_what_a_start_by_swarm_cronjob_leaves_is_known_beforehand(
    labels: dict[str, str], before: dict[str, Any], after: dict[str, Any]
) -> None:
    was, now = state_of({**CRON, **labels}, before), state_of({**CRON, **labels}, after, forced=7)
    assert now.spec == was.fired == now.fired
    assert state_of({**CRON, **labels}, after, image="b:2").spec != was.fired


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {**CRON, "swarm.cronjob.enable": "false"},
        {"swarm.cronjob.enable": "true"},
        {"swarm.cronjob.schedule": "x"},
    ],
)
def test_a_service_that_swarm_cronjob_does_not_start_has_no_such_spec(labels: dict[str, str]) -> None:
    assert state_of(labels, replicated(0)).fired == ""


def test_how_a_container_may_end_is_known_of_each() -> None:
    [one, _] = strangers.parse(answers()).containers
    assert (one.restart_policy, one.auto_remove, one.exit_code) == ("no", True, 0)
    assert one.finished_at == "0001-01-01T00:00:00Z"


def event(action: str, at: float, name: str = "bystander", kind: str = "container") -> dict[str, Any]:
    return {"at": at, "type": kind, "action": action, "id": "b", "name": name, "exit_code": None}


def test_the_ends_of_strangers_are_kept_and_since_when_they_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [
        event("connect", 3.0, kind="network"),
        event("exec_start: true", 4.0),
        event("kill", 5.0),
        event("die", 6.0),
        event("die", 7.0, name="ccci-small--1a2b_test_app.1.x"),
    ]
    machine, asked = machine_answering({"events": {"clock": 9.0, "events": told}})
    monkeypatch.setattr(strangers, "collect", lambda machine, fact: {fact: strangers.parse(answers())})
    seen = strangers.WITNESS.look(machine, "end", 0)
    assert asked[0][1]["since"] == 1.0
    assert (seen.moment, seen.host_clock, seen.ends_since) == ("end", 9.0, 3.0)
    assert [(one.action, one.at) for one in seen.ends] == [("kill", 5.0), ("die", 6.0)]
    assert len(seen.containers) == 2


def test_a_daemon_that_tells_no_events_is_no_daemon_without_ends() -> None:
    assert strangers.ends({"clock": 9.0, "problem": "refused"})["ends_since"] is None


NO_MANAGER = '{"message":"This node is not a swarm manager. Use docker swarm init to be one."}'


@pytest.mark.parametrize("status", [406, 503])
def test_a_daemon_that_says_it_is_no_swarm_manager_has_no_services(status: int) -> None:
    answer = Unreadable(f"the Docker daemon answered {status}: {NO_MANAGER}")
    seen = strangers.parse(answers(services=answer))
    assert (seen.services, seen.states, seen.problem) == ((), (), None)
    assert len(seen.containers) == 2


@pytest.mark.parametrize(
    "reason",
    [
        "the Docker daemon does not answer: timed out",
        f"the Docker daemon answered 500: {NO_MANAGER}",
        'the Docker daemon answered 503: {"message":"The swarm does not have a leader."}',
    ],
)
def test_services_that_cannot_be_listed_are_a_problem_and_not_none(reason: str) -> None:
    assert strangers.parse(answers(services=Unreadable(reason))).problem == f"services: {reason}"
    assert strangers.parse(answers(services=Absent())).problem == "services: there is no Docker socket"


def test_what_cannot_be_listed_is_a_problem_and_not_nobody() -> None:
    assert strangers.parse(answers(containers=Unreadable("refused"))).problem == "containers: refused"
    assert strangers.parse(answers(volumes=Absent())).problem == "volumes: there is no Docker socket"
