"""The agent's decisions from afar, on a host that answers by script."""

import json
from typing import Any

import pytest

from ccci_host import prune
from ccci_host.agent import paths
from ccci_host.errors import CommandFailedError, HostError, NotFoundError
from ccci_host.transport.executor import Completed
from tests.fakes import Answer, FakeExecutor, completed
from tests.unit.machines import fake_machine

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
DIGEST = "sha256:" + "d" * 64
PLAN: dict[str, Any] = {
    "victims": [{"id": ONE, "refs": [f"org/app@{DIGEST}"], "class": "idle", "reason": "idle: 40 d"}],
    "kept": [
        {
            "id": TWO,
            "refs": ["mine:dev"],
            "class": "idle",
            "reason": "unknown origin: may have been made here",
            "until": None,
        }
    ],
    "gates": {},
    "unreadable": ["image x: content is missing"],
}


def answering(**more: Completed | Answer) -> FakeExecutor:
    script: dict[str, Any] = {f"{paths.ARCHIVE} plan --json": completed(json.dumps(PLAN))}
    return FakeExecutor(
        {**script, **{key.replace("ARCHIVE", paths.ARCHIVE): say for key, say in more.items()}}
    )


def test_a_plan_is_one_line_an_image() -> None:
    pruning = prune.plan(fake_machine(answering()))

    assert pruning.value == PLAN
    assert pruning.exit_code == 0
    assert pruning.text.splitlines() == [
        "unreadable: image x: content is missing",
        f"goes   {'1' * 12}  org/app@{DIGEST}  idle: 40 d",
        f"stays  {'2' * 12}  mine:dev  unknown origin: may have been made here",
    ]


@pytest.mark.parametrize("image", ["mine:dev", "docker.io/library/mine:dev", TWO, "2" * 12])
def test_one_image_is_explained(image: str) -> None:
    (entry,) = prune.plan(fake_machine(answering()), image).value

    assert entry["id"] == TWO


def test_an_image_that_is_not_there() -> None:
    with pytest.raises(NotFoundError, match=r"ci has no image mine:other\."):
        prune.plan(fake_machine(answering()), "mine:other")


def test_a_sweep_says_its_lines_and_fails_as_the_unit_does() -> None:
    outcome = {"removed": [], "exit_code": 1}
    said = 'closed gate=lease reason="held"\nended removed=0\n' + json.dumps(outcome, indent=1) + "\n"
    machine = fake_machine(answering(**{"ARCHIVE sweep": completed(said, exit_code=1)}))

    pruning = prune.sweep(machine)

    assert pruning.exit_code == 1
    assert pruning.value == outcome
    assert pruning.text == 'closed gate=lease reason="held"\nended removed=0'


def test_a_sweep_that_broke_off_is_no_tick_of_somebody_else() -> None:
    broken = completed(exit_code=1, stderr="ccci-prune: The state cannot be read")
    with pytest.raises(CommandFailedError, match="The state cannot be read"):
        prune.sweep(fake_machine(answering(**{"ARCHIVE sweep": broken})))


def test_a_host_without_an_agent() -> None:
    machine = fake_machine(FakeExecutor({paths.ARCHIVE: completed(exit_code=127, stderr="not found")}))

    with pytest.raises(HostError, match="has no agent"):
        prune.plan(machine)


def test_an_agent_that_fails() -> None:
    machine = fake_machine(FakeExecutor({paths.ARCHIVE: completed(exit_code=1, stderr="ccci-prune: ill")}))

    with pytest.raises(CommandFailedError, match="exit code 1"):
        prune.plan(machine)


def test_an_image_is_adopted_once_its_registry_has_it() -> None:
    found = completed(json.dumps([{"found": True, "digest": DIGEST}]))
    adopted = completed(f"{TWO}: adopted by the operator")
    executor = answering(python3=found, **{"ARCHIVE adopt": adopted})

    pruning = prune.adopt(fake_machine(executor), "mine:dev")

    asked = json.loads(next(given for argv, given in executor.runs if argv[0] == "python3"))
    assert asked["references"] == [
        {"registry": "docker.io", "repository": "library/mine", "reference": "dev"}
    ]
    assert executor.runs[-1][0] == (paths.ARCHIVE, "adopt", TWO)
    assert "which was not compared" in pruning.text


@pytest.mark.parametrize("answer", [{"found": False}, {"trouble": "docker.io answered 500"}])
def test_an_image_that_no_registry_has_is_not_adopted(answer: dict[str, Any]) -> None:
    executor = answering(python3=completed(json.dumps([answer])))

    with pytest.raises(NotFoundError, match="stays of unknown origin") as caught:
        prune.adopt(fake_machine(executor), "mine:dev")

    assert answer.get("trouble", "does not have it") in caught.value.details
    assert not any("adopt" in argv for argv, _ in executor.runs)
