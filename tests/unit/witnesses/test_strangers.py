"""Strangers are all but the experiments' own stacks."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.recipes import Recipe, own_domain, stack_name
from ccci_host.witnesses import strangers

OWN = {"com.docker.stack.namespace": "ccci-small--1a2b_test"}
THEIRS = {"com.docker.stack.namespace": "cccishop", "com.docker.swarm.service.name": "cccishop_web"}


def container(identity: str, labels: dict[str, str] | None) -> dict[str, Any]:
    return {
        "Id": identity,
        "Name": f"/{identity}",
        "Image": "sha256:i",
        "State": {"Status": "running", "StartedAt": "2026-01-01T00:00:00Z"},
        "RestartCount": 3,
        "Config": {"Labels": labels},
    }


def service(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"Spec": {"Name": name, "Labels": labels}, "Version": {"Index": 7}}


def answers(**given: Answer) -> Answers:
    usual: dict[str, Answer] = {
        "containers": present([container("b", None), container("a", THEIRS), container("c", OWN)]),
        "services": present([service("cccishop_web", THEIRS), service("ours", OWN)]),
        "volumes": present({"Volumes": [{"Name": "data", "Labels": None}, {"Name": "ours", "Labels": OWN}]}),
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
    assert seen.volumes == ("data",)


def test_a_daemon_outside_a_swarm_has_no_services() -> None:
    seen = strangers.parse(answers(services=Unreadable("503")))
    assert (seen.services, seen.problem) == ((), None)


def test_what_cannot_be_listed_is_a_problem_and_not_nobody() -> None:
    assert strangers.parse(answers(containers=Unreadable("refused"))).problem == "containers: refused"
    assert strangers.parse(answers(volumes=Absent())).problem == "volumes: there is no Docker socket"
