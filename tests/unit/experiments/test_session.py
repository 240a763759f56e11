"""However a run ends, its history has an end and the host is put back."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import (
    CcciError,
    DeployError,
    HostError,
    RefusedError,
    UnreachableError,
    WaitTimeoutError,
)
from ccci_host.experiments import Options, preflight
from ccci_host.experiments import session as sessions
from ccci_host.experiments.options import Point
from ccci_host.experiments.run import Run
from ccci_host.experiments.session import session
from ccci_host.experiments.stacks import Stacks, Thing
from ccci_host.records import Cleanup, Finished, HostSeen, Interrupted, Removal, StoreSeen
from ccci_host.transport.machine import Machine
from tests.unit.experiments.fakes import Bench, store_of


class FakeLease:
    """Remembers whether it was given back."""

    released = False
    id = "abc"

    def renew(self) -> None:
        """Young."""

    def release(self) -> None:
        self.released = True


class Stage:
    """A session on a host that needs nothing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = Bench(folder, Options(task="verify-pc3"))
        self.lease = FakeLease()
        self.gone: list[str] = []
        self.refusal: CcciError | None = None
        self.stuck: Exception | None = None
        monkeypatch.setattr(preflight, "begin", lambda run: HostSeen())
        monkeypatch.setattr(preflight, "make_sure", self._make_sure)
        monkeypatch.setattr(sessions, "teardown", self._teardown)
        self.seen: tuple[str, ...] = ()
        """The suite's own stacks of which a volume is there at the end."""
        monkeypatch.setattr("ccci_host.experiments.stacks.look", self._look)

    def _look(self, machine: object) -> Stacks:
        return Stacks(tuple(Thing(stack, "volume", f"{stack}_data") for stack in self.seen), (), ())

    def _make_sure(self, run: Run, seen: HostSeen, **_: Any) -> None:
        if self.refusal:
            raise self.refusal
        run.lease = self.lease  # type: ignore[assignment]  # a fake

    def _teardown(self, machine: object, stack: str) -> Removal:
        if self.stuck:
            raise self.stuck
        self.gone.append(stack)
        return Removal(stack=stack, removed=(("service", stack),), seconds=0.1)

    def play(self, act: Callable[[Run], None]) -> None:
        bench = self.bench
        with session(bench.machine, bench.journal, bench.run.options, reboots=False) as run:
            run.stacks.add("ccci-small_test")
            act(run)

    def last(self, kind: type[Any]) -> Any:
        return self.bench.history.last(kind)


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_witnesses: Callable[[StoreSeen], None]
) -> Stage:
    without_witnesses(store_of())
    return Stage(tmp_path, monkeypatch)


def raiser(error: BaseException) -> Callable[[Run], None]:
    def act(run: Run) -> None:
        raise error

    return act


def test_a_run_that_went_well_is_done(stage: Stage) -> None:
    stage.play(lambda run: None)
    assert stage.bench.let_go == stage.gone == ["ccci-small_test"]
    assert stage.lease.released
    assert stage.bench.kinds() == [
        "phase-began preflight",
        "phase-ended preflight done",
        "store start",
        "store end",
        "cleanup",
        "finished done",
    ]
    assert stage.last(Cleanup).removed == (("service", "ccci-small_test"),)


def test_a_run_that_was_given_up_is_failed_and_no_error(stage: Stage) -> None:
    def give_up(run: Run) -> None:
        run.problem = "the redeploy did not converge"

    stage.play(give_up)
    assert stage.last(Finished) == Finished(outcome="failed", problem="the redeploy did not converge")


@pytest.mark.parametrize(
    ("error", "outcome", "problem"),
    [
        (DeployError("no"), "failed", "no"),
        (KeyError("odd"), "failed", "KeyError: 'odd'"),
        (KeyboardInterrupt(), "interrupted", "Ctrl-C"),
        (KeyboardInterrupt("SIGTERM"), "interrupted", "SIGTERM"),
    ],
)
def test_however_it_ends_the_host_is_put_back(
    error: BaseException, outcome: str, problem: str, stage: Stage
) -> None:
    with pytest.raises(type(error)):
        stage.play(raiser(error))
    assert stage.gone == ["ccci-small_test"]
    assert stage.lease.released
    assert (stage.last(Finished).outcome, stage.last(Finished).problem) == (outcome, problem)
    assert bool(stage.last(Interrupted)) == (outcome == "interrupted")


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_every_signal_to_stop_ends_in_the_same_clean_up(number: signal.Signals, stage: Stage) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        stage.play(lambda run: os.kill(os.getpid(), number))
    assert stage.last(Finished).outcome == "interrupted"
    assert stage.lease.released
    assert signal.getsignal(number) is before


def test_a_wish_to_stop_right_after_the_preflight_gives_the_lease_back(stage: Stage) -> None:
    def stop(point: Point) -> None:
        if point == ("after", "preflight"):
            raise KeyboardInterrupt

    stage.bench.run.options = replace(stage.bench.run.options, onlooker=stop)
    with pytest.raises(KeyboardInterrupt):
        stage.play(raiser(AssertionError("nothing is done")))
    assert stage.lease.released
    assert stage.gone == []
    assert stage.last(Finished).outcome == "interrupted"


def test_a_wish_to_stop_during_the_clean_up_is_told_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(machine: object, stack: str) -> Removal:
        os.kill(os.getpid(), signal.SIGINT)
        stage.gone.append(stack)
        return Removal(stack=stack, removed=(), seconds=0.1)

    monkeypatch.setattr(sessions, "teardown", interrupted)
    stage.play(lambda run: None)
    assert stage.gone == ["ccci-small_test"]
    assert stage.lease.released


def test_whoever_insists_is_told_what_stays(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def insist(machine: object, stack: str) -> Removal:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it went on")

    monkeypatch.setattr(sessions, "teardown", insist)
    with pytest.raises(KeyboardInterrupt):
        stage.play(lambda run: None)
    said = capsys.readouterr().err
    assert "It may be on the host still: stack ccci-small_test, the run's lease. The next run finds" in said
    assert stage.last(Cleanup).left == ()
    assert "told twice to stop" in stage.last(Cleanup).problem
    assert stage.last(Finished) is None


def test_a_refused_run_touches_nothing_and_has_an_end(stage: Stage) -> None:
    stage.refusal = RefusedError("somebody else's run is under way")
    with pytest.raises(RefusedError):
        stage.play(lambda run: None)
    assert stage.gone == []
    assert stage.bench.kinds()[-1] == "finished failed"
    assert stage.bench.history.of(Cleanup) == ()


def test_what_could_not_be_removed_is_named_and_hides_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.stuck = UnreachableError("gone")
    with pytest.raises(DeployError):
        stage.play(raiser(DeployError("no")))
    assert stage.last(Cleanup).left == ()
    assert stage.last(Cleanup).problem == "stack ccci-small_test: gone"
    assert stage.last(Finished).problem == "no"
    assert "Not put back in order: stack ccci-small_test: gone\n" in capsys.readouterr().err


def test_what_a_teardown_could_not_remove_is_left_where_it_is_seen(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.stuck = HostError("a container does not end")
    stage.seen = ("ccci-small_test",)
    stage.play(lambda run: None)
    assert stage.last(Cleanup).left == (("volume", "ccci-small_test_data", "a container does not end"),)
    assert "Left behind: volume ccci-small_test_data: a container does not end\n" in capsys.readouterr().err


def test_what_a_teardown_left_without_saying_so_is_seen_at_the_end(stage: Stage) -> None:
    stage.seen = ("ccci-small_test", "ccci-of-another-run_test")
    stage.play(lambda run: None)
    assert stage.last(Cleanup).left == (
        ("volume", "ccci-small_test_data", "its teardown said that nothing is left"),
    )


def test_a_daemon_that_tells_nothing_at_the_end_keeps_no_lease(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(machine: object) -> Stacks:
        raise HostError("The Docker daemon does not list its services.")

    monkeypatch.setattr("ccci_host.experiments.stacks.look", silent)
    stage.play(lambda run: None)
    assert "Not put back in order: The Docker daemon does not" in capsys.readouterr().err
    assert stage.lease.released
    assert stage.last(Cleanup).problem == "The Docker daemon does not list its services."
    assert "store end" in stage.bench.kinds()


def test_a_defect_amid_the_clean_up_keeps_no_lease(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.stuck = KeyError("traces")
    stage.play(lambda run: run.stacks.add("ccci-pull_test"))
    assert stage.lease.released
    assert stage.last(Finished).outcome == "done"
    said = "stack ccci-pull_test: KeyError: 'traces'; stack ccci-small_test: KeyError: 'traces'"
    assert stage.last(Cleanup).problem == said
    assert "Not put back in order: stack ccci-pull_test: KeyError" in capsys.readouterr().err


def test_what_is_named_once_is_not_named_again(stage: Stage) -> None:
    stage.seen = ("ccci-small_test",)
    stage.stuck = UnreachableError("gone")
    stage.play(lambda run: None)
    assert stage.last(Cleanup).left == (("volume", "ccci-small_test_data", "gone"),)


def test_a_machine_whose_reboot_was_interrupted_is_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(sessions, "bring_back", lambda machine, timeout: waited.append(timeout))

    def interrupted(run: Run) -> None:
        with run.phase("reboot", 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.play(interrupted)
    assert waited == [300.0]


def test_a_machine_that_stays_away_is_said_with_what_to_do(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_vain(machine: Machine, timeout: float) -> None:
        raise WaitTimeoutError("In vain.", details="It is stopped.", resolution="`incus start` it.")

    monkeypatch.setattr(sessions, "bring_back", in_vain)

    def failing(run: Run) -> None:
        with run.phase("reboot", 1):
            raise HostError("Incus could not restart it")

    with pytest.raises(HostError):
        stage.play(failing)
    assert stage.last(Cleanup).problem == "In vain. It is stopped. `incus start` it."
