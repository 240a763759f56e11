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


def said_of(*identities: str, of: str = "", note: str | None = None, **more: Any) -> Completed:
    """The agent's plan of some images; of one that was asked for it says which."""
    part = {
        fate: [entry for entry in PLAN[fate] if entry["id"] in identities] for fate in ("victims", "kept")
    }
    asked = {"of": of, "note": note} if of else {}
    return completed(json.dumps({**asked, **PLAN, **part}), **more)


def explaining(argv: tuple[str, ...], _: bytes) -> Completed:
    """The agent knows `org/app:1` of its ledger, and `mine:dev` of the store."""
    meant = {"org/app:1": ONE, "mine:dev": TWO}
    if len(argv) == 3:
        return said_of(ONE, TWO)
    if argv[3] not in meant:
        return said_of(of=argv[3], exit_code=1, stderr=f"ccci-prune: {argv[3]} is no image of this host.")
    return said_of(meant[argv[3]], of=argv[3])


def answering(**more: Completed | Answer) -> FakeExecutor:
    script: dict[str, Any] = {f"{paths.ARCHIVE} plan --json": explaining}
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


@pytest.mark.parametrize(("image", "identity"), [("mine:dev", TWO), ("org/app:1", ONE)])
def test_one_image_is_explained(image: str, identity: str) -> None:
    """Also one of which the store knows no tag: it is the agent that knows what a name means."""
    pruning = prune.plan(fake_machine(answering()), image)

    told = [*pruning.value["victims"], *pruning.value["kept"]]
    assert [entry["id"] for entry in told] == [identity]
    assert (pruning.value["of"], pruning.value["note"]) == (image, None)
    assert identity[7:19] in pruning.text
    assert len(pruning.text.splitlines()) == 2, "and what is unreadable"


GUESS = "nothing here is known to be org/app:2; of its repository these have no tag that is known"


def guessing() -> FakeExecutor:
    return answering(**{"ARCHIVE plan --json org/app:2": said_of(ONE, of="org/app:2", note=GUESS)})


def test_what_is_guessed_says_so() -> None:
    pruning = prune.plan(fake_machine(guessing()), "org/app:2")

    assert pruning.text.splitlines()[0] == GUESS
    assert pruning.value["note"] == GUESS
    assert [entry["id"] for entry in pruning.value["victims"]] == [ONE]


def test_what_is_guessed_is_not_adopted() -> None:
    executor = guessing()

    with pytest.raises(NotFoundError, match=f"org/app:2 may mean {ONE}") as caught:
        prune.adopt(fake_machine(executor), "org/app:2")

    assert caught.value.details == GUESS
    assert len(executor.runs) == 1


@pytest.mark.parametrize("ask", [prune.plan, prune.adopt])
@pytest.mark.parametrize("answer", [said_of(ONE, TWO), said_of(TWO, of="org/app:2")])
def test_an_agent_that_does_not_heed_the_image_is_not_believed(answer: Completed, ask: Any) -> None:
    """An older one tells of every image, whichever was asked for."""
    executor = answering(**{"ARCHIVE plan --json mine:dev": answer})

    with pytest.raises(HostError, match="does not tell of one image alone") as caught:
        ask(fake_machine(executor), "mine:dev")

    assert "invoke provision" in caught.value.resolution
    assert len(executor.runs) == 1


@pytest.mark.parametrize(
    ("exit_code", "error", "told"),
    [(137, CommandFailedError, "exit code 137"), (0, HostError, "does not say in JSON")],
)
@pytest.mark.parametrize("ask", [prune.plan, prune.sweep])
def test_an_agent_that_breaks_off_while_it_speaks(
    exit_code: int, error: type[Exception], told: str, ask: Any
) -> None:
    half = completed('ended removed=0\n{"victims": [{"id"', exit_code=exit_code)

    with pytest.raises(error, match=told):
        ask(fake_machine(FakeExecutor({paths.ARCHIVE: half})))


def test_a_host_that_cannot_list_its_images_may_have_it() -> None:
    answer = completed(exit_code=1, stderr="ccci-prune: Whether org/app:1 is an image … is not known: images")
    executor = answering(**{"ARCHIVE plan --json org/app:1": answer})

    with pytest.raises(CommandFailedError, match="is not known: images"):
        prune.plan(fake_machine(executor), "org/app:1")


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
