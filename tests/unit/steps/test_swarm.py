from dataclasses import replace

import pytest

from ccci_host.errors import HostError
from ccci_host.facts.docker import DOCKER, Swarm
from ccci_host.facts.host import HOST
from ccci_host.steps.operations import RunCommand
from ccci_host.steps.swarm import STEP
from tests.unit.steps.facts_of import DEBIAN, ENGINE, SWARM, facts, wanted


def engine(swarm: Swarm) -> dict[object, object]:
    return {DOCKER: replace(ENGINE, swarm=swarm)}


@pytest.mark.parametrize(("interface", "named"), [("eth0", "eth0"), ("", "lo")])
def test_where_there_is_none_one_is_made(interface: str, named: str) -> None:
    none = {**engine(Swarm("inactive", False, 0, "")), HOST: replace(DEBIAN, default_interface=interface)}

    (change,) = STEP.plan(facts(none), wanted()).changes

    assert change.operation == RunCommand(("docker", "swarm", "init", "--advertise-addr", named))


def test_an_existing_one_is_left_as_it_is() -> None:
    assert not STEP.plan(facts(), wanted()).changes


def test_several_nodes_are_warned_about() -> None:
    plan = STEP.plan(facts(engine(replace(SWARM, nodes=3))), wanted())

    assert not plan.changes
    assert "3 nodes" in plan.warnings[0]


@pytest.mark.parametrize(
    ("swarm", "brief"),
    [
        (Swarm("active", False, 0, ""), "ci is a worker in its swarm"),
        (Swarm("locked", False, 0, "Swarm is encrypted"), "The swarm of ci is locked"),
        (Swarm("error", False, 0, "no route"), "The swarm of ci is error"),
    ],
)
def test_one_that_this_node_does_not_manage_is_refused(swarm: Swarm, brief: str) -> None:
    with pytest.raises(HostError, match=brief):
        STEP.plan(facts(engine(swarm)), wanted())
