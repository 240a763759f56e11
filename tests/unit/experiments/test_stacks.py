"""The experiments' own stacks are known by their names; everybody else's by not having them."""

import json
from typing import Any

import pytest

from ccci_host.errors import HostError
from ccci_host.experiments import stacks
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine

OWN = {"com.docker.stack.namespace": "ccci-small--1a2b_test"}
THEIRS = {"com.docker.stack.namespace": "cccishop"}


def present(value: Any) -> Present:
    return Present(json.dumps(value).encode())


def service(name: str, labels: dict[str, str], running: int = 1, desired: int = 1) -> dict[str, Any]:
    status = {"RunningTasks": running, "DesiredTasks": desired}
    return {"Spec": {"Name": name, "Labels": labels}, "ServiceStatus": status}


def answers(**given: Answer) -> Answers:
    probes: dict[str, Any] = {
        "services": stacks._SERVICES,
        "containers": stacks._CONTAINERS,
        **stacks._OTHERS,
    }
    usual: dict[str, Answer] = {**dict.fromkeys(probes, present([])), "volume": present({"Volumes": None})}
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
    assert (seen.own, seen.unconverged, seen.strangers) == ((), (), ())


def test_a_service_of_others_that_has_not_its_tasks_has_not_converged() -> None:
    listed = [service("a", THEIRS), service("b", THEIRS, running=0), service("ours", OWN, running=0)]
    seen = stacks.parse(answers(services=present(listed)))
    assert seen.own == ("ccci-small--1a2b_test",)
    assert seen.unconverged == ("b",)
    assert seen.strangers == ("a", "b")


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


@pytest.mark.parametrize("what", ["container", "secret", "config", "network", "volume"])
def test_a_listing_that_nobody_could_read_is_not_an_empty_one(what: str) -> None:
    """Else a host in use would be rebooted under a container that the daemon was too slow to list."""
    name = "containers" if what == "container" else what
    with pytest.raises(HostError, match=f"does not list its {what}s"):
        stacks.parse(answers(**{name: Unreadable("timed out")}))


def test_a_stack_whose_network_is_still_in_use_is_let_go_all_the_same() -> None:
    """The teardown at the run's end has the rest, and says what stays."""
    executor = FakeExecutor(
        {"docker stack rm": completed(exit_code=1, stderr="network s1 is in use by task w")}
    )
    stacks.let_go(fake_machine(executor), "ccci-pull-7301_test")
    assert executor.runs[0][0] == ("docker", "stack", "rm", "ccci-pull-7301_test")
