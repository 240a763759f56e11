"""The experiments' own stacks are known by their names; everybody else's by not having them."""

import json
from typing import Any

import pytest

from ccci_host.errors import HostError
from ccci_host.experiments import stacks
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.docker import INFO
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine

OWN = {"com.docker.stack.namespace": "ccci-small--1a2b_test"}
THEIRS = {"com.docker.stack.namespace": "cccishop"}


def present(value: Any) -> Present:
    return Present(json.dumps(value).encode())


NOW = "2026-11-30T03:00:00.123456789Z"
LATELY, HOURS_AGO = "2026-11-30T02:59:00Z", "2026-11-29T20:59:00Z"
JOB = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}


def service(
    name: str,
    labels: dict[str, str],
    *,
    updated: str = LATELY,
    restart: str = "any",
    mode: dict[str, Any] | None = None,
) -> dict[str, Any]:
    template = {"ContainerSpec": {"Image": "shop:1"}, "RestartPolicy": {"Condition": restart}}
    wanted = mode or {"Replicated": {"Replicas": 1}}
    spec = {"Name": name, "Labels": labels, "TaskTemplate": template, "Mode": wanted}
    return {"ID": f"id-{name}", "UpdatedAt": updated, "Spec": spec}


def task(of: str, state: str, *, since: str = LATELY) -> dict[str, Any]:
    """Of the service `of`; one that is complete has no successor yet, or never."""
    return {
        "ID": f"{of}.1",
        "ServiceID": f"id-{of}",
        "Slot": 1,
        "Spec": {"ContainerSpec": {"Image": "shop:1"}},
        "Status": {"State": state, "Timestamp": since},
        "DesiredState": "shutdown" if state == "complete" else "running",
        "CreatedAt": since,
    }


def answers(**given: Answer) -> Answers:
    probes: dict[str, Any] = {
        "info": INFO,
        "services": stacks._SERVICES,
        "tasks": stacks._TASKS,
        "containers": stacks._CONTAINERS,
        **stacks._OTHERS,
    }
    usual: dict[str, Answer] = {
        **dict.fromkeys(probes, present([])),
        "volume": present({"Volumes": None}),
        "info": present({"SystemTime": NOW}),
    }
    return Answers({probes[name]: answer for name, answer in {**usual, **given}.items()})


def test_a_secret_of_a_harness_tells_of_its_stack_by_its_name() -> None:
    names = (
        "ccci-small--1a2b_test_db_password_v1",
        "ccci-small_test_key",
        "ccci_small_test_key",
        "shop_ccci-small_test_key",
        "ccci-mail",
    )
    listed = [{"Spec": {"Name": name, "Labels": {}}} for name in names]
    assert stacks.parse(answers(secret=present(listed))).own == ("ccci-small--1a2b_test",)


def test_what_is_left_of_a_stack_is_known_by_kind_and_name() -> None:
    seen = stacks.parse(
        answers(
            services=present([service("ccci-small--1a2b_test_app", OWN)]),
            volume=present({"Volumes": [{"Name": "ccci-small--1a2b_test_data", "Labels": OWN}]}),
            config=present([{"Spec": {"Name": "theirs", "Labels": THEIRS}}]),
        )
    )
    assert seen.things == (
        ("ccci-small--1a2b_test", "service", "ccci-small--1a2b_test_app"),
        ("ccci-small--1a2b_test", "volume", "ccci-small--1a2b_test_data"),
    )


def test_an_empty_host_has_no_stacks() -> None:
    seen = stacks.parse(answers())
    assert (seen.own, seen.unconverged, seen.strangers, seen.deploying) == ((), (), (), ())


def test_a_service_of_others_that_has_not_its_tasks_has_not_converged() -> None:
    listed = [service("a", THEIRS), service("b", THEIRS), service("ours", OWN)]
    seen = stacks.parse(answers(services=present(listed), tasks=present([task("a", "running")])))
    assert seen.own == ("ccci-small--1a2b_test",)
    assert seen.unconverged == ("b",)
    assert seen.deploying == ("b: 0 of 1 tasks",)
    assert seen.strangers == ("a", "b")


@pytest.mark.parametrize(
    ("restart", "mode"),
    [
        pytest.param("none", None, id="one-shot"),
        pytest.param("on-failure", None, id="one-shot that may fail"),
        pytest.param("any", JOB, id="job"),
    ],
)
def test_a_service_that_has_finished_for_good_is_no_deploy(restart: str, mode: dict[str, Any] | None) -> None:
    """Of such a one swarm counts a task as desired and none as running, for ever."""
    listed = present([service("backup_cron", THEIRS, restart=restart, mode=mode)])
    seen = stacks.parse(answers(services=listed, tasks=present([task("backup_cron", "complete")])))
    assert (seen.unconverged, seen.deploying) == ((), ())
    assert seen.strangers == ("backup_cron",)


def test_a_cron_service_whose_update_swarm_has_paused_is_no_deploy() -> None:
    """Swarm does that after each start of a job that takes seconds."""
    fired = {**service("backup_cron", THEIRS, restart="none"), "UpdateStatus": {"State": "paused"}}
    tasks = present([task("backup_cron", "complete")])
    seen = stacks.parse(answers(services=present([fired]), tasks=tasks))
    assert (seen.unconverged, seen.deploying) == ((), ())


def test_a_service_whose_tasks_end_though_it_is_to_run_on_has_not_converged() -> None:
    seen = stacks.parse(
        answers(services=present([service("b", THEIRS)]), tasks=present([task("b", "complete")]))
    )
    assert seen.deploying == ("b: 0 of 1 tasks as its spec says, others complete",)


def test_hours_after_its_update_a_service_that_fails_is_nobodys_deploy() -> None:
    """As it is none to the agent. After a boot it is waited for all the same: it may come back."""
    listed = present([service("b", THEIRS, updated=HOURS_AGO)])
    seen = stacks.parse(answers(services=listed, tasks=present([task("b", "starting")])))
    assert (seen.unconverged, seen.deploying) == (("b",), ())


@pytest.mark.parametrize("since", [LATELY, HOURS_AGO], ids=["now", "for hours"])
def test_a_pull_that_is_tried_again_for_a_service_of_long_ago_is_nobodys_deploy(since: str) -> None:
    listed = present([service("b", THEIRS, updated=HOURS_AGO)])
    seen = stacks.parse(answers(services=listed, tasks=present([task("b", "preparing", since=since)])))
    assert seen.deploying == ()


def test_services_that_make_no_sense_are_not_none() -> None:
    listed = present([{"ID": "a", "Spec": {"Name": "a", "TaskTemplate": []}}])
    with pytest.raises(HostError, match="makes no sense"):
        stacks.parse(answers(services=listed, tasks=present([{"ID": "t"}])))


def test_without_the_hosts_time_nobody_knows_what_is_under_way() -> None:
    with pytest.raises(HostError, match="does not tell the time"):
        stacks.parse(answers(info=present({})))


def test_a_container_outside_the_swarm_is_a_stranger_too() -> None:
    listed = [
        {"Names": ["/theirs"], "Labels": None},
        {"Names": ["/task"], "Labels": {"com.docker.swarm.service.name": "a"}},
        {"Names": ["/ours"], "Labels": OWN},
    ]
    assert stacks.parse(answers(containers=present(listed))).strangers == ("theirs",)


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("secret", [{"Spec": {"Labels": OWN}}]),
        ("secret", [{"Spec": {"Labels": {"ccci-host.stack": "ccci-small--1a2b_test"}}}]),
        ("config", [{"Spec": {"Labels": OWN}}, {"Spec": {}}]),
        ("network", [{"Labels": OWN}, {"Labels": THEIRS}, {"Labels": {}}]),
        ("volume", {"Volumes": [{"Labels": OWN}, {"Labels": None}]}),
    ],
)
def test_anything_that_is_left_of_a_stack_gives_it_away(kind: str, thing: Any) -> None:
    assert stacks.parse(answers(**{kind: present(thing)})).own == ("ccci-small--1a2b_test",)


@pytest.mark.parametrize("answer", [Absent(), Unreadable("503")])
def test_services_that_cannot_be_listed_are_not_none(answer: Answer) -> None:
    with pytest.raises(HostError, match="does not list its services"):
        stacks.parse(answers(services=answer))


@pytest.mark.parametrize("what", ["task", "container", "secret", "config", "network", "volume"])
def test_a_listing_that_nobody_could_read_is_not_an_empty_one(what: str) -> None:
    """Else a host in use would be rebooted under a container that the daemon was too slow to list."""
    name = f"{what}s" if what in ("task", "container") else what
    with pytest.raises(HostError, match=f"does not list its {what}s"):
        stacks.parse(answers(**{name: Unreadable("timed out")}))


def test_a_stack_whose_network_is_still_in_use_is_let_go_all_the_same() -> None:
    """The teardown at the run's end has the rest, and says what stays."""
    executor = FakeExecutor(
        {"docker stack rm": completed(exit_code=1, stderr="network s1 is in use by task w")}
    )
    stacks.let_go(fake_machine(executor), "ccci-pull-7301_test")
    assert executor.runs[0][0] == ("docker", "stack", "rm", "ccci-pull-7301_test")
