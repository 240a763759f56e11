"""The order of a cycle, and what is an error and what a finding."""

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import DeployError, HostError, RefusedError, UsageError
from ccci_host.experiments import Options, redeploy
from ccci_host.experiments.run import Run
from ccci_host.journal import Journal
from ccci_host.records import (
    AgentSeen,
    CredentialSeen,
    ManifestsSeen,
    NoiseSeen,
    Note,
    PhaseEnded,
    RecipeChosen,
    StoreSeen,
)
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.buckets import BucketsWitness
from tests.unit.experiments.fakes import Bench, FakeDeployer, an_app, bucket, store_of

CONTROLS = ("broken_pin", "moved_tag", "eviction")


class Stage:
    """The experiment with everything around it left out."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, monkeypatch
        self.bench: Bench
        self.run: Run
        self.problem: str | None = None
        self.asked: list[str] = []
        app = an_app(folder)
        self.deployer = FakeDeployer()
        monkeypatch.setattr(redeploy, "chosen", lambda machine, options: (self.deployer, app))
        monkeypatch.setattr(redeploy, "session", self._session)
        patched: dict[str, Callable[..., Any]] = {
            "witnesses.interface.noise": lambda machine: NoiseSeen(bytes=0),
            "witnesses.manifests.look": lambda *_: ManifestsSeen(),
            "witnesses.agent.look": lambda *given: AgentSeen(moment="redeployed", cycle=given[3]),
            "witnesses.credential.look": lambda *given: CredentialSeen(moment=given[1], cycle=given[2]),
            "witnesses.buckets.BucketsWitness.look": lambda *_: bucket(remaining=200),
            "experiments.redeploy.expected_files": lambda prune: {},
            "experiments.preflight.make_sure_again": lambda run: self.asked.append("again"),
            "experiments.redeploy.plant_token": lambda machine: "token",
            "experiments.redeploy.reboot": lambda run, *_: run.write(Note(text="rebooted")),
            **{f"experiments.{name}.control": self._control(name) for name in CONTROLS},
        }
        for name, stand_in in patched.items():
            monkeypatch.setattr(f"ccci_host.{name}", stand_in)

    def _control(self, name: str) -> Callable[..., None]:
        return lambda run, *_: run.write(Note(text=name))

    @contextmanager
    def _session(self, machine: Machine, journal: Journal, options: Options, *, reboots: bool) -> Any:
        self.run = run = Run(machine, journal, options)
        yield run
        self.problem = run.problem

    def play(self, experiment: Callable[..., None], **options: Any) -> list[str]:
        self.bench = Bench(self.folder, Options(task="t", **options))
        experiment(self.bench.machine, self.bench.journal, self.bench.run.options)
        return [
            kind if kind != "note" else note
            for kind, note in zip(self.bench.kinds(), self._notes(), strict=True)
        ]

    def _notes(self) -> list[str]:
        return [
            entry.event.text if isinstance(entry.event, Note) else "" for entry in self.bench.history.entries
        ]


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_witnesses: Callable[[StoreSeen], None]
) -> Stage:
    without_witnesses(store_of(("sha256:d", ("k",))))
    return Stage(tmp_path, monkeypatch)


HEAD = ["recipe", "noise"]
DEPLOY = ["phase-began deploy", "phase-ended deploy done", "deployed deploy", "store deployed", "manifests"]
TEARDOWN = ["phase-began teardown", "phase-ended teardown done", "torn-down teardown", "store torn-down"]
REBOOT = ["phase-began reboot", "rebooted", "phase-ended reboot done", "store rebooted"]
REDEPLOY = ["phase-began redeploy", "phase-ended redeploy done", "deployed redeploy", "store redeployed"]
FINAL = [
    "phase-began final-teardown",
    "phase-ended final-teardown done",
    "torn-down final-teardown",
    "store finally-torn-down",
]


def test_pc3_redeploys_and_then_runs_every_control(stage: Stage) -> None:
    seen = stage.play(redeploy.verify_pc3)
    assert seen == [*HEAD, *DEPLOY, *TEARDOWN, *REDEPLOY, *FINAL, "broken_pin", "moved_tag", "eviction"]
    assert stage.problem is None


def test_a_reboot_comes_between_teardown_and_redeploy(stage: Stage) -> None:
    seen = stage.play(redeploy.reboot_and_redeploy)
    back = ["agent redeployed", "credential redeployed"]
    assert seen == [*HEAD, *DEPLOY, *TEARDOWN, *REBOOT, *REDEPLOY, *back, *FINAL, "eviction"]


def test_the_login_is_looked_at_before_a_harness_could_log_in_anew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.deployer, "name", "command")
    seen = stage.play(redeploy.reboot_and_redeploy)
    assert seen.index("rebooted") < seen.index("credential rebooted") < seen.index("phase-began redeploy")


def test_before_each_reboot_it_is_asked_again_whom_it_would_disturb(stage: Stage) -> None:
    stage.play(redeploy.reboot_and_redeploy, cycles=3)
    assert stage.asked == ["again"] * 3
    (stage.folder / "history.jsonl").unlink()
    stage.play(redeploy.verify_pc3)
    assert len(stage.asked) == 3


def test_every_cycle_is_a_whole_one_and_the_controls_come_once(stage: Stage) -> None:
    seen = stage.play(redeploy.verify_pc3, cycles=3)
    assert seen.count("deployed deploy") == seen.count("deployed redeploy") == 3
    assert seen.count("eviction") == 1
    assert stage.bench.history.cycles == (1, 2, 3)
    assert {word for _, word in stage.deployer.calls} == {"ccci-small_test"}


def test_cycles_that_the_account_cannot_pay_for_are_not_begun(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BucketsWitness, "look", lambda *_: bucket(remaining=12))
    with pytest.raises(RefusedError, match="too few pulls left for 3 cycles"):
        stage.play(redeploy.reboot_and_redeploy, cycles=3)
    assert stage.bench.kinds() == ["recipe"]
    assert stage.deployer.calls == []
    assert stage.bench.run.stacks == set()


def test_a_single_cycle_is_always_tried(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BucketsWitness, "look", lambda *_: bucket(remaining=0))
    assert "deployed redeploy" in stage.play(redeploy.reboot_and_redeploy)


def test_an_image_of_two_services_is_one_of_the_recipe(stage: Stage) -> None:
    stage.deployer = FakeDeployer(None, "app:1", "db:1", "app:1")
    stage.play(redeploy.verify_pc3)
    [chosen] = stage.bench.history.of(RecipeChosen)
    assert chosen.images == ("app:1", "db:1")


def test_after_a_person_was_waited_for_the_store_is_looked_at_again(stage: Stage) -> None:
    seen = stage.play(redeploy.verify_pc3, pause_before="redeploy", wait_for_person=lambda *_: None)
    assert seen[seen.index("phase-began redeploy") - 1] == "store paused"


def test_before_the_first_deploy_there_is_no_stack_to_take_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(machine: Machine) -> NoiseSeen:
        raise HostError("gone")

    monkeypatch.setattr("ccci_host.witnesses.interface.noise", gone)
    with pytest.raises(HostError):
        stage.play(redeploy.verify_pc3)
    assert stage.run.stacks == set()


def test_a_first_deploy_that_fails_is_an_error(stage: Stage) -> None:
    stage.deployer.failures = {1: DeployError("no such image")}
    with pytest.raises(DeployError):
        stage.play(redeploy.verify_pc3)
    assert len(stage.run.stacks) == 1


def test_a_redeploy_that_fails_is_a_finding(stage: Stage) -> None:
    stage.deployer.failures = {2: DeployError("toomanyrequests")}
    seen = stage.play(redeploy.verify_pc3)
    assert stage.problem == "toomanyrequests"
    assert seen[-1] == "phase-ended redeploy failed"
    ended = stage.bench.history.last(PhaseEnded)
    assert ended is not None
    assert ended.problem == "toomanyrequests"


def test_a_later_deploy_that_fails_is_a_finding_too(stage: Stage) -> None:
    stage.deployer.failures = {3: DeployError("no")}
    stage.play(redeploy.verify_pc3, cycles=2)
    assert stage.problem == "no"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"deployer": "magic"}, "There is no deployer 'magic'."),
        ({"cycles": 0}, "At least one cycle is needed."),
        ({"boot_timeout": 0.0}, "The machine needs time to boot."),
        ({}, "Which recipe is to be deployed?"),
    ],
)
def test_options_that_mean_nothing_are_refused_before_the_host_is_touched(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, Options(task="verify-pc3", **options))
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        redeploy.verify_pc3(bench.machine, bench.journal, bench.run.options)
    assert bench.kinds() == []
