"""What PC1 and PC2 do, in which order, and what they leave out where they must."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import DeployError, HostError, RefusedError
from ccci_host.experiments import Options, eviction, pc1, pc2
from ccci_host.experiments.run import Run
from ccci_host.journal import Journal
from ccci_host.recipes import App
from ccci_host.records import (
    AgentSeen,
    Bucket,
    BucketsSeen,
    ColdPullControl,
    CredentialSeen,
    LeaseSeen,
    Moment,
    PlanSeen,
    PrunersSeen,
    StoredImage,
    StoreSeen,
    SweepSeen,
    TicksSeen,
)
from ccci_host.transport.machine import Machine
from tests.unit.experiments.fakes import Bench, FakeDeployer, an_app, store_of

D = "sha256:d"


class FakeLease:
    """Says into the history that it was given back."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def renew(self) -> None:
        """Young."""

    def release(self) -> None:
        self.run.write(LeaseSeen(step="released"))


class Stage:
    """The experiments with everything around them left out."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.deployer = FakeDeployer()
        self.leased = True
        self.left = eviction.LEAST_QUOTA
        self.problem: str | None = None
        self.removed: list[str] = []
        app = an_app(folder)
        for experiment in ("pc1", "pc2"):
            monkeypatch.setattr(f"ccci_host.experiments.{experiment}.chosen", lambda *_: (self.deployer, app))
            monkeypatch.setattr(f"ccci_host.experiments.{experiment}.session", self._session)
        patched: dict[str, Callable[..., Any]] = {
            "witnesses.pruners.look": lambda machine, moment: PrunersSeen(moment=moment),
            "witnesses.agent.look": lambda machine, expected, moment: AgentSeen(moment=moment),
            "witnesses.ticks.look": lambda machine, moment: TicksSeen(moment=moment),
            "witnesses.credential.look": lambda machine, moment: CredentialSeen(moment=moment),
            "experiments.agent_words.expected_files": lambda prune: {},
            "experiments.agent_words.plan": self._plan,
            "experiments.agent_words.sweep": lambda machine, moment, under: SweepSeen(
                moment=moment, under=under
            ),
            "experiments.pc2.remove_image": self._remove,
            "experiments.pc2.BucketsWitness": lambda: self,
            "experiments.pc2.ask": lambda machine, **_: {"anonymous_pulls": [{"status": 401}]},
        }
        for name, stand_in in patched.items():
            monkeypatch.setattr(f"ccci_host.{name}", stand_in)

    @contextmanager
    def _session(self, machine: Machine, journal: Journal, options: Options, **_: Any) -> Iterator[Run]:
        run = Run(machine, journal, options)
        if self.leased:
            run.lease = FakeLease(run)  # type: ignore[assignment]  # of a lease only this is asked
        yield run
        self.problem = run.problem

    def _plan(self, machine: Machine, moment: Any, pretend_percent: float | None = None) -> PlanSeen:
        return PlanSeen(moment=moment, simulated_percent=pretend_percent)

    def look(self, machine: Machine, moment: Moment, cycle: int) -> BucketsSeen:
        """As the witness of the buckets."""
        own = Bucket(account="me", remaining=self.left)
        return BucketsSeen(moment=moment, cycle=cycle, buckets=(own,))

    def _remove(self, machine: Machine, image: StoredImage) -> tuple[str, ...]:
        self.removed.append(image.id)
        return (f"app@{image.id}",)

    def play(self, experiment: Callable[..., None], **tables: Any) -> Bench:
        bench = Bench(self.folder, Options(task="t"), **tables)
        experiment(bench.machine, bench.journal, bench.run.options)
        return bench


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_witnesses: Callable[[StoreSeen], None]
) -> Stage:
    without_witnesses(store_of((D, ("base", "x"))))
    return Stage(tmp_path, monkeypatch)


def test_pc1_tries_a_sweep_under_its_lease_and_plans_without_it(stage: Stage) -> None:
    seen = stage.play(pc1.verify_pc1).kinds()
    assert seen == [
        "pruners start",
        "agent start",
        "recipe",
        "phase-began deploy",
        "phase-ended deploy done",
        "deployed deploy",
        "store deployed",
        "pruners deployed",
        "sweep deployed",
        "phase-began teardown",
        "phase-ended teardown done",
        "torn-down teardown",
        "sweep torn-down",
        "store torn-down",
        "lease released",
        "plan end",
        "plan end",
        "ticks end",
    ]


def test_pc1_pretends_pressure_and_sweeps_without_a_lease_on_a_disposable_host_only(stage: Stage) -> None:
    history = stage.play(pc1.verify_pc1, disposable=True).history
    assert [plan.simulated_percent for plan in history.of(PlanSeen)] == [None, pc1.PRETENDED_PERCENT]
    assert [sweep.under for sweep in history.of(SweepSeen)] == ["lease", "lease", "nothing"]


def test_without_an_agent_pc1_looks_and_deploys_nothing(stage: Stage) -> None:
    stage.leased = False
    assert stage.play(pc1.verify_pc1).kinds() == ["pruners start", "agent start"]
    assert stage.deployer.calls == []


def test_a_deploy_that_fails_in_pc1_is_a_finding(stage: Stage) -> None:
    stage.deployer.failures = {1: DeployError("no")}
    stage.play(pc1.verify_pc1)
    assert stage.problem == "no"


@pytest.mark.parametrize("experiment", [pc1.verify_pc1, pc2.verify_pc2])
def test_a_recipe_that_is_refused_is_no_finding(
    experiment: Callable[..., None], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(machine: Machine, app: App) -> tuple[str, ...]:
        raise RefusedError("names that may be somebody else's")

    monkeypatch.setattr(stage.deployer, "images", refused)
    with pytest.raises(RefusedError):
        stage.play(experiment)
    assert stage.deployer.calls == []


def test_pc2_has_the_swarm_pull_an_image_that_was_removed(stage: Stage) -> None:
    bench = stage.play(pc2.verify_pc2, disposable=True)
    assert bench.kinds()[-7:] == [
        "store evicted",
        "phase-began cold-pull",
        "phase-ended cold-pull done",
        "store cold-pulled",
        "deployed cold-pull",
        "cold-pull-control",
        "credential end",
    ]
    [control] = bench.history.of(ColdPullControl)
    assert (control.ran, control.reference, control.removed) == (True, "app:1", (f"app@{D}",))
    assert (control.private, control.task_image_id) == (True, "sha256:i")
    assert stage.removed == [D]
    assert [word for word, _ in stage.deployer.calls] == ["deploy", "teardown", "deploy"]


def test_an_image_that_is_no_server_was_pulled_all_the_same(stage: Stage) -> None:
    stage.deployer.failures = {2: DeployError("ended at once")}
    bench = stage.play(pc2.verify_pc2, disposable=True)
    [control] = bench.history.of(ColdPullControl)
    assert (control.ran, control.problem, control.task_image_id) == (True, "ended at once", "")
    assert stage.problem is None


def test_pc2_removes_no_image_of_a_host_in_use_but_its_canary(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    [control] = stage.play(pc2.verify_pc2).history.of(ColdPullControl)
    assert not control.ran
    assert stage.removed == []
    (stage.folder / "history.jsonl").unlink()
    known = store_of((D, ("x",))).images
    monkeypatch.setattr("ccci_host.experiments.canary.images_of", lambda run, canary, store: known)
    [control] = stage.play(pc2.verify_pc2, canary="me/canary:1").history.of(ColdPullControl)
    assert (control.ran, control.reference, control.removed) == (True, "me/canary:1", (f"app@{D}",))


@pytest.mark.parametrize(
    ("canary", "pulled"),
    [
        (f"me/canary@{D}", f"me/canary@{D}"),
        (f"me/canary:1@{D}", "me/canary:1"),
        (f"docker.io/me/canary@{D}", f"docker.io/me/canary@{D}"),
    ],
)
def test_what_is_pulled_cold_is_what_was_removed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, canary: str, pulled: str
) -> None:
    known = store_of((D, ("x",))).images
    monkeypatch.setattr("ccci_host.experiments.canary.images_of", lambda run, canary, store: known)
    [control] = stage.play(pc2.verify_pc2, canary=canary).history.of(ColdPullControl)
    assert control.reference == pulled


def test_a_canary_that_cannot_be_paid_for_is_left_alone(stage: Stage) -> None:
    stage.left -= 1
    [control] = stage.play(pc2.verify_pc2, canary="me/canary:1").history.of(ColdPullControl)
    assert (control.ran, control.problem) == (False, eviction.TOO_LITTLE)
    assert stage.removed == []


def test_what_was_removed_until_an_error_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    known = store_of((D, ("x",)), ("sha256:e", ("y",))).images

    def remove(machine: Machine, image: StoredImage) -> tuple[str, ...]:
        if image.id != D:
            raise HostError("it is being used")
        return stage._remove(machine, image)

    monkeypatch.setattr("ccci_host.experiments.canary.images_of", lambda run, canary, store: known)
    monkeypatch.setattr("ccci_host.experiments.pc2.remove_image", remove)
    [control] = stage.play(pc2.verify_pc2, canary="me/canary:1").history.of(ColdPullControl)
    assert (control.ran, control.removed, control.problem) == (False, (f"app@{D}",), "it is being used")
    assert stage.problem == "it is being used"


def test_a_canary_that_may_not_go_is_left_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RefusedError("it is somebody's")

    monkeypatch.setattr("ccci_host.experiments.canary.images_of", refuse)
    [control] = stage.play(pc2.verify_pc2, canary="me/canary:1").history.of(ColdPullControl)
    assert (control.ran, control.problem) == (False, "it is somebody's")
    (stage.folder / "history.jsonl").unlink()
    [control] = stage.play(pc2.verify_pc2, canary="ghcr.io/me/canary:1").history.of(ColdPullControl)
    assert (control.ran, control.problem) == (False, "the canary ghcr.io/me/canary:1 is not on Docker Hub")
    assert stage.removed == []


def test_a_login_that_is_refused_is_a_finding_and_looked_at_again(stage: Stage) -> None:
    stage.deployer.failures = {1: DeployError("unauthorized")}
    bench = stage.play(pc2.verify_pc2, disposable=True)
    assert stage.problem == "unauthorized"
    assert bench.kinds()[-1] == "credential end"
