"""The controls of masking, and the words of the agent."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import CommandFailedError, DeployError, HostError, WaitTimeoutError
from ccci_host.experiments import Options, agent_words, broken_pin, moved_tag
from ccci_host.experiments.removal import remove_image
from ccci_host.experiments.single import single
from ccci_host.records import PinControl, StoredImage, TagControl
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.experiments.fakes import Bench, FakeDeployer, deployment
from tests.unit.machines import fake_machine, host_table

AGENT = "/usr/local/bin/ccci-prune"


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "ran"),
        (DeployError("No such image", resolution="advice"), "refused"),
        (WaitTimeoutError("slow"), "unclear"),
    ],
)
def test_a_broken_pin_is_tried_under_the_name_of_a_cached_image(
    failure: Exception | None, outcome: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, Options(task="t"), host_after_a_pin())
    deployer = FakeDeployer({1: failure} if failure else None)
    broken_pin.control(bench.run, deployer, deployment("app:1@sha256:d"))
    [seen] = bench.history.of(PinControl)
    assert (seen.ran, seen.outcome, seen.cached) == (True, outcome, "app:1@sha256:d")
    assert seen.reference.startswith("app:1@sha256:")
    assert seen.reference != seen.cached
    stack = deployer.calls[0][1]
    assert deployer.calls == [("deploy", stack)]
    assert bench.let_go == [stack]
    assert stack.startswith("ccci-pin--")
    assert stack in bench.run.stacks
    assert "advice" not in seen.error
    assert (seen.registry_status, seen.started) == (404, ("t2 failed task: non-zero exit (1)", "t3 running"))


def test_tasks_that_cannot_be_listed_are_not_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Options(task="t"), host_after_a_pin({"trouble": "docker", "message": "gone"}))
    broken_pin.control(bench.run, FakeDeployer({1: DeployError("no")}), deployment("app:1@sha256:d"))
    [seen] = bench.history.of(PinControl)
    assert seen.started is None


def task(identity: str, state: str, container: str | None, error: str = "") -> dict[str, Any]:
    """A task as the API lists it."""
    of = {"ContainerStatus": {"ContainerID": container}} if container is not None else {}
    return {"ID": identity, "Status": {"State": state, **of, **({"Err": error} if error else {})}}


def host_after_a_pin(look: dict[str, Any] | None = None) -> FakeExecutor:
    """A host where one task was rejected and two had a container, at a registry without the pin."""
    tasks = [
        task("t1", "rejected", None, "No such image"),
        task("t2", "failed", "c2", "task: non-zero exit (1)"),
        task("t3", "running", "c3"),
        task("t4", "preparing", ""),
    ]

    def answer(argv: tuple[str, ...], sent: bytes) -> Completed:
        if json.loads(sent).get("word") == "look":
            return completed(json.dumps(look or {"tasks": tasks}))
        return completed(json.dumps({"manifests": [{"status": 404, "digest": None}]}))

    return FakeExecutor({"docker stack rm": completed(), "python3 -I -c": answer})


def test_without_a_digest_no_image_is_known_to_be_cached(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Options(task="t"))
    broken_pin.control(bench.run, FakeDeployer(), deployment("app:1"))
    [seen] = bench.history.of(PinControl)
    assert not seen.ran


def registry(*command: str) -> dict[str, Any]:
    return {
        "registry": {
            "access_log": "/log",
            "versions": ["app:1", "app:2"],
            "tag_command": [*command] or ["true"],
        }
    }


def test_the_tag_is_moved_between_two_deploys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    meant = iter(("sha256:one", "sha256:two"))
    monkeypatch.setattr(moved_tag, "move", lambda table, source, target: log.append(f"{source} -> {target}"))
    monkeypatch.setattr(moved_tag, "digest_at_registry", lambda machine, reference: next(meant))
    monkeypatch.setattr(moved_tag, "digest_that_runs", lambda machine, deployed, wanted: wanted)
    bench = Bench(tmp_path, Options(task="t"), **registry())
    deployer = FakeDeployer()
    moved_tag.control(bench.run, deployer)
    [seen] = bench.history.of(TagControl)
    assert (seen.digest_before, seen.digest_after, seen.digest_ran) == (
        "sha256:one",
        "sha256:two",
        "sha256:two",
    )
    assert log == ["app:1 -> app:ccci-control-ci", "app:2 -> app:ccci-control-ci"]
    assert [word for word, _ in deployer.calls] == ["deploy", "deploy"]
    assert bench.let_go == [deployer.calls[0][1]]


def test_a_registry_that_is_not_ours_moves_no_tag(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Options(task="t"))
    moved_tag.control(bench.run, FakeDeployer())
    [seen] = bench.history.of(TagControl)
    assert "not ours" in (seen.problem or "")


def test_a_control_that_could_not_be_run_is_let_go_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise HostError("no such command")

    monkeypatch.setattr(moved_tag, "move", refuse)
    bench = Bench(tmp_path, Options(task="t"), **registry())
    deployer = FakeDeployer()
    moved_tag.control(bench.run, deployer)
    [seen] = bench.history.of(TagControl)
    assert (seen.ran, seen.problem) == (False, "no such command")
    assert len(bench.let_go) == 1


def test_the_operators_command_gets_both_references(tmp_path: Path) -> None:
    table = host_table(
        **registry(
            sys.executable,
            "-c",
            "import sys; sys.exit(sys.argv[1:] != ['app:1', 'app:x'])",
            "{source}",
            "{target}",
        )
    )
    assert table.registry is not None
    moved_tag.move(table.registry, "app:1", "app:x")
    with pytest.raises(CommandFailedError):
        moved_tag.move(table.registry, "app:2", "app:x")


def test_an_operators_command_that_is_not_there_is_an_error() -> None:
    table = host_table(**registry("/nowhere/tagger")).registry
    assert table is not None
    with pytest.raises(HostError, match="tag_command could not be run"):
        moved_tag.move(table, "app:1", "app:x")


@pytest.mark.parametrize(
    ("digests", "ran"),
    [(["app@sha256:two"], "sha256:two"), (["app@sha256:one"], "sha256:one"), ([], None)],
)
def test_what_runs_is_told_by_the_image_of_the_task(digests: list[str], ran: str | None) -> None:
    executor = FakeExecutor({"docker image inspect": completed(json.dumps(digests))})
    assert moved_tag.digest_that_runs(fake_machine(executor), deployment("app:x"), "sha256:two") == ran


def test_an_image_id_may_be_the_digest_itself() -> None:
    executor = FakeExecutor({"docker image inspect": completed("[]")})
    deployed = deployment("app:x")
    [task] = deployed.services[0].tasks
    assert moved_tag.digest_that_runs(fake_machine(executor), deployed, task.image_id) == task.image_id


def test_a_stack_of_one_service_is_a_recipe_like_any_other() -> None:
    with single("pin", "app:1@sha256:d", "ab12") as app:
        compose = json.loads((app.recipe.folder / "compose.yml").read_text())
        folder = app.recipe.folder
        assert app.stack == "ccci-pin--ab12_test"
        assert app.notes == ()
    assert compose["services"]["app"]["image"] == "app:1@sha256:d"
    assert not folder.exists()


def test_tags_go_before_digests() -> None:
    asked: list[Any] = []

    def run(argv: tuple[str, ...], sent: bytes) -> Completed:
        asked.append(json.loads(sent)["references"])
        return completed(json.dumps({"removed": asked[-1], "left": {}}))

    image = StoredImage(id="sha256:i", references=("app@sha256:d", "app:2", "app:1"), layers=(), size=1)
    assert remove_image(fake_machine(FakeExecutor({"python3": run})), image) == (
        "app:2",
        "app:1",
        "app@sha256:d",
    )
    nameless = StoredImage(id="sha256:i", references=(), layers=(), size=1)
    assert remove_image(fake_machine(FakeExecutor({"python3": run})), nameless) == ("sha256:i",)


PLAN = {"victims": [], "kept": [{"id": "a"}], "gates": {"lease": {}}, "unreadable": []}


def test_the_agents_plan_is_kept_as_it_came() -> None:
    executor = FakeExecutor({f"{AGENT} plan --json": completed(json.dumps(PLAN, indent=1))})
    machine = fake_machine(executor)
    seen = agent_words.plan(machine, "end", pretend_percent=99.0)
    assert (seen.simulated_percent, seen.kept, seen.gates) == (99.0, ({"id": "a"},), {"lease": {}})
    assert executor.runs[0][0][-2:] == ("--disk-used-percent", "99.0")
    assert agent_words.plan(machine, "end").simulated_percent is None


def test_an_agent_that_gives_no_plan_is_a_problem() -> None:
    executor = FakeExecutor({f"{AGENT} plan": completed(stderr="ccci-prune: no daemon", exit_code=1)})
    assert agent_words.plan(fake_machine(executor), "end").problem == "ccci-prune: no daemon"


def test_a_sweeps_answer_follows_its_lines_for_people() -> None:
    said = "removed app:1\n" + json.dumps(
        {"gates": {"lease": {"reason": "x"}}, "removed": ["app:1"]}, indent=1
    )
    executor = FakeExecutor({f"{AGENT} sweep --json": completed(said, exit_code=1)})
    seen = agent_words.sweep(fake_machine(executor), "deployed", "lease")
    assert (seen.under, seen.exit_code, seen.removed, seen.problem) == ("lease", 1, ("app:1",), None)
    assert seen.gates == {"lease": {"reason": "x"}}


def test_what_a_sweep_removed_is_known_by_name_and_by_id() -> None:
    removed = [{"id": "sha256:a", "refs": ["app:1", "app@sha256:d"]}, {"id": "sha256:b", "refs": []}]
    said = json.dumps({"gates": {}, "removed": removed}, indent=1)
    executor = FakeExecutor({f"{AGENT} sweep --json": completed(said)})
    seen = agent_words.sweep(fake_machine(executor), "end", "nothing")
    assert seen.removed == ("app:1", "sha256:b")
    assert seen.image_ids == ("sha256:a", "sha256:b")


def test_why_a_sweep_failed_is_kept() -> None:
    said = "failed reason=…\n" + json.dumps({"gates": {}, "failures": ["no answer", "/ at 91 %"]}, indent=1)
    executor = FakeExecutor({f"{AGENT} sweep --json": completed(said, stderr="odd", exit_code=1)})
    assert agent_words.sweep(fake_machine(executor), "end", "nothing").output == "odd\nno answer\n/ at 91 %"


def test_a_sweep_without_an_answer_is_a_problem_and_not_a_refusal() -> None:
    executor = FakeExecutor({f"{AGENT} sweep": completed("{broken", exit_code=1)})
    seen = agent_words.sweep(fake_machine(executor), "deployed", "lease")
    assert seen.problem is not None
    assert seen.gates == {}


def test_every_installed_file_has_its_hash() -> None:
    expected = agent_words.expected_files(host_table().prune)
    assert AGENT in expected
    assert "/etc/ccci-prune/policy.json" in expected
    assert all(len(digest) == 64 for digest in expected.values())


def test_a_task_that_runs_goes_before_one_that_was_stopped_in_good_order() -> None:
    [service] = deployment("app:x").services
    [task] = service.tasks
    before = task.model_copy(update={"state": "complete", "image_id": "sha256:old"})
    both = service.model_copy(update={"tasks": (task, before)})
    deployed = deployment("app:x").model_copy(update={"services": (both,)})
    executor = FakeExecutor(
        {
            f"docker image inspect --format {{{{json .RepoDigests}}}} {task.image_id}": completed(
                '["app@sha256:two"]'
            )
        }
    )
    assert moved_tag.digest_that_runs(fake_machine(executor), deployed, "sha256:two") == "sha256:two"
