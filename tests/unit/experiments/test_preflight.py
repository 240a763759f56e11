"""What an experiment refuses before it does anything, in one clear paragraph each."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent.leases import LONGEST
from ccci_host.errors import CcciError, HostError, RefusedError
from ccci_host.experiments import Options, preflight, stacks
from ccci_host.experiments.lease import Holder
from ccci_host.experiments.stacks import Stacks, Thing
from ccci_host.records import HostSeen, LeaseSeen, Leftovers, Note, Removal
from tests.unit.experiments.fakes import Bench

FIT = HostSeen(store="classic", swarm_manager=True, agent_sha256="a", disk_used_percent=40.0)
QUIET = Stacks((), (), ())
BUSY = Stacks((), ("shop_web",), ("shop_web",), ("shop_web: 1 of 2 tasks",))
LEFT = Stacks((Thing("ccci-small--1_test", "secret", "ccci-small--1_test_key_v1"),), (), ())


class FakeLease:
    """Says what happens to it."""

    id = "own"

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def take(self) -> None:
        self.log.append("taken")

    def release(self) -> None:
        self.log.append("released")


class Stage:
    """A preflight on a host that is as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **tables: Any) -> None:
        self.bench = Bench(folder, Options(task="t"), **tables)
        self.log: list[str] = []
        self.there = QUIET
        self.dead: tuple[Holder, ...] = ()
        self.rival: CcciError | None = None
        self.held: list[float] = []
        monkeypatch.setattr(preflight, "TimedLease", self._lease)
        monkeypatch.setattr(preflight, "refuse_over_others", self._refuse)
        monkeypatch.setattr(stacks, "look", lambda machine: self.there)
        monkeypatch.setattr(preflight, "teardown", self._teardown)

    def _lease(self, machine: object, write: object, hold: float) -> FakeLease:
        self.held.append(hold)
        return FakeLease(self.log)

    def _refuse(self, machine: object, *, own: str | None = None) -> tuple[Holder, ...]:
        self.log.append(f"asked who holds a lease besides {own}")
        if own and self.rival:
            raise self.rival
        return () if own else self.dead

    def _teardown(self, machine: object, stack: str) -> Removal:
        self.log.append(f"removed {stack}")
        return Removal(stack=stack, removed=(("service", stack),), seconds=0.1)

    def make_sure(self, seen: HostSeen = FIT, **options: bool) -> None:
        preflight.make_sure(self.bench.run, seen, **{"reboots": False, **options})


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_the_lease_is_held_before_leftovers_go(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.there = LEFT
    stage.make_sure()
    assert stage.log == [
        "asked who holds a lease besides None",
        "taken",
        "asked who holds a lease besides own",
        "removed ccci-small--1_test",
    ]
    [left] = stage.bench.history.of(Leftovers)
    assert left.removed == (("service", "ccci-small--1_test"),)
    assert "An earlier run had left the stack ccci-small--1_test" in capsys.readouterr().err
    assert stage.bench.run.lease is not None


def test_whoever_is_stopped_at_whatever_line_knows_of_the_lease(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session gives back what the run knows of: a signal may come behind the last line of all this."""
    known: list[object] = []
    monkeypatch.setattr(FakeLease, "take", lambda self: known.append(stage.bench.run.lease))
    stage.make_sure()
    assert known == [stage.bench.run.lease]
    assert known != [None]


def test_leftovers_that_could_not_be_removed_are_in_the_history(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(machine: object, stack: str) -> Removal:
        raise HostError("daemon down")

    monkeypatch.setattr(preflight, "teardown", stuck)
    stage.there = LEFT
    with pytest.raises(HostError, match="daemon down"):
        stage.make_sure()
    [found] = stage.bench.history.of(Leftovers)
    assert found == Leftovers(removed=(), left=(("stack", "ccci-small--1_test", "daemon down"),))
    assert stage.log[-1] == "released"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"problem": "refused"}, "does not answer"),
        ({"swarm_manager": False}, "manages no swarm"),
        ({"agent_sha256": None}, "has no retention agent"),
        ({"disk_used_percent": 96.0}, "is full"),
    ],
)
def test_a_host_that_is_not_fit_is_refused(change: dict[str, Any], said: str, stage: Stage) -> None:
    with pytest.raises(HostError, match=said) as refused:
        stage.make_sure(FIT.model_copy(update=change))
    assert refused.value.resolution
    assert stage.log == []


def test_a_host_without_an_agent_can_still_be_looked_at(stage: Stage) -> None:
    stage.make_sure(FIT.model_copy(update={"agent_sha256": None}), agent_needed=False)
    assert stage.bench.run.lease is None
    [lease] = stage.bench.history.of(LeaseSeen)
    assert lease.step == "refused"


def test_somebodys_deploy_is_not_disturbed(stage: Stage) -> None:
    stage.there = BUSY
    with pytest.raises(RefusedError, match="deploy is under way") as refused:
        stage.make_sure()
    assert refused.value.details == "Not converged: shop_web: 1 of 2 tasks."
    assert "taken" not in stage.log


def test_a_service_that_does_not_converge_for_hours_is_nobodys_deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a reboot it is waited for, as after one it may come back, and then it is not minded."""
    stage = Stage(tmp_path, monkeypatch, allow_reboot=True)
    stage.bench.run.options = replace(stage.bench.run.options, boot_timeout=0.1)
    stage.there = Stacks((), ("shop_web",), ("shop_web",))
    stage.make_sure()
    preflight.make_sure_again(stage.bench.run)
    assert "taken" in stage.log


def test_strangers_are_rebooted_only_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, monkeypatch)
    stage.there = Stacks((), (), ("shop_web",))
    stage.make_sure()
    with pytest.raises(RefusedError, match="a reboot would stop it") as refused:
        stage.make_sure(reboots=True)
    assert "allow_reboot" in refused.value.resolution
    (tmp_path / "b").mkdir()
    allowed = Stage(tmp_path / "b", monkeypatch, allow_reboot=True)
    allowed.there = stage.there
    allowed.make_sure(reboots=True)


@pytest.mark.parametrize(("boot_timeout", "hold"), [(300.0, 3900.0), (100_000.0, LONGEST)])
def test_the_lease_outlasts_a_boot(
    boot_timeout: float, hold: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, monkeypatch)
    stage.bench.run.options = replace(stage.bench.run.options, boot_timeout=boot_timeout)
    stage.make_sure()
    assert stage.held == [hold]


def test_the_lease_outlasts_the_commands_of_a_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amid a deploy nobody renews it: it would end, and the agent sweep while the recipe is deployed."""
    words = [["harness"]]
    table = {"deploy": words, "undeploy": words, "timeout_seconds": 7200.0}
    stage = Stage(tmp_path, monkeypatch, command=table)
    stage.make_sure()
    assert stage.held == [3600.0 + 7200.0]


def test_whoever_came_since_is_not_rebooted(stage: Stage) -> None:
    stage.make_sure()
    preflight.make_sure_again(stage.bench.run)
    stage.there = Stacks((), (), ("shop_web",))
    with pytest.raises(RefusedError, match="a reboot would stop it"):
        preflight.make_sure_again(stage.bench.run)
    stage.there = QUIET
    stage.rival = RefusedError("a run of CI's own")
    with pytest.raises(RefusedError, match="a run of CI's own"):
        preflight.make_sure_again(stage.bench.run)


def test_services_that_come_back_after_a_reboot_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, monkeypatch, allow_reboot=True)
    stage.bench.run.options = replace(stage.bench.run.options, boot_timeout=5.0)
    settled = Stacks((), (), ("shop_web",))
    looks = [BUSY, settled, settled]
    monkeypatch.setattr(stacks, "look", lambda machine: looks.pop(0))
    preflight.make_sure_again(stage.bench.run)
    assert looks == []
    assert stage.log == ["asked who holds a lease besides None"]


def test_a_deploy_that_does_not_end_is_not_rebooted(stage: Stage) -> None:
    stage.bench.run.options = replace(stage.bench.run.options, boot_timeout=0.1)
    stage.there = BUSY
    with pytest.raises(RefusedError, match="deploy is under way") as refused:
        preflight.make_sure_again(stage.bench.run)
    assert "shop_web" in refused.value.details


def test_a_disposable_host_is_asked_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, monkeypatch, disposable=True)
    stage.there = Stacks((), (), ("shop_web",))
    preflight.make_sure_again(stage.bench.run)
    assert stage.log == []


def test_a_rival_that_asked_at_the_same_time_makes_it_step_back(stage: Stage) -> None:
    stage.rival = RefusedError("somebody else")
    stage.there = LEFT
    with pytest.raises(RefusedError):
        stage.make_sure()
    assert stage.log[-1] == "released"
    assert not any(word.startswith("removed") for word in stage.log)
    assert stage.bench.run.lease is None


def test_the_lease_of_a_dead_run_is_said(stage: Stage) -> None:
    stage.dead = (Holder("x", "ccci-host here 1 2", "later"),)
    stage.make_sure()
    [note] = stage.bench.history.of(Note)
    assert "ccci-host here 1 2" in note.text
