"""A restart is watched from outside: down is something that was seen."""

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from ccci_host.errors import CommandFailedError, HostError, UnreachableError, WaitTimeoutError
from ccci_host.experiments import Options, reboot
from ccci_host.records import BackSeen, RebootDone
from ccci_host.transport.machine import Instance, Machine
from ccci_host.transport.readiness import Readiness
from ccci_host.witnesses.boot import TOKEN
from tests.fakes import FakeExecutor, completed
from tests.unit.experiments.fakes import Bench
from tests.unit.machines import fake_machine


class Restarting:
    """An instance whose first process is what the script says, look by look."""

    where = "the fake instance"

    def __init__(self, *pids: int | Exception, failure: Exception | None = None) -> None:
        self.pids = list(pids)
        self.failure = failure
        self.asked: list[bool] = []
        self.patience: list[float] = []
        self.seen = threading.Event()

    def pid(self) -> int:
        if len(self.pids) == 1:
            self.seen.set()
        pid = self.pids.pop(0) if len(self.pids) > 1 else self.pids[0]
        if isinstance(pid, Exception):
            raise pid
        return pid

    def request_restart(self, *, force: bool, timeout: float) -> None:
        self.asked.append(force)
        self.patience.append(timeout)
        if self.failure:
            raise self.failure
        self.seen.wait(0.3)  # while there is something to be seen


class Stage:
    """A run whose machine is restarted."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, instance: Restarting, *, forced: bool = False
    ) -> None:
        self.bench = Bench(folder, Options(task="t", forced_stop=forced))
        self.bench.run.machine.instance = cast(Instance, instance)
        self.ready: Any = Readiness("running", True, "active", True)

        class Server:
            def instance(self, name: str) -> Restarting:
                return instance

            def close(self) -> None:
                pass

        def wait(machine: object, timeout: float) -> Readiness:
            if isinstance(self.ready, Exception):
                raise self.ready
            return cast(Readiness, self.ready)

        monkeypatch.setattr(reboot, "connect", lambda table: Server())
        monkeypatch.setattr(reboot, "wait_until_ready", wait)

    def play(self) -> tuple[bool, RebootDone, BackSeen]:
        back = reboot.reboot(self.bench.run, 2, "word")
        done, seen = self.bench.history.last(RebootDone), self.bench.history.last(BackSeen)
        assert done is not None
        assert seen is not None
        return back, done, seen


@pytest.mark.parametrize("forced", [False, True])
def test_a_machine_without_a_first_process_was_seen_down(
    forced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Restarting(7, 7, 7, 0, 9)
    back, done, seen = Stage(tmp_path, monkeypatch, instance, forced=forced).play()
    assert back
    assert (done.cycle, done.forced, done.token, done.seen_down, done.problem) == (
        2,
        forced,
        "word",
        True,
        None,
    )
    assert "without a first process" in done.seen_down_how
    assert done.seconds_to_down is not None
    assert done.seconds_to_ready is not None
    assert instance.asked == [forced]
    assert (seen.system, seen.daemon, seen.swarm_manager) == ("running", True, True)


def test_another_first_process_in_its_place_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done, _ = Stage(tmp_path, monkeypatch, Restarting(7, 7, 9)).play()
    assert done.seen_down
    assert "7 was gone and 9" in done.seen_down_how


def test_an_answer_that_incus_cannot_give_in_between_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Restarting(7, 7, HostError("Invalid PID"), UnreachableError("reset"), 9)
    _, done, _ = Stage(tmp_path, monkeypatch, instance).play()
    assert done.seen_down


def test_a_restart_that_changed_nothing_was_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, done, _ = Stage(tmp_path, monkeypatch, Restarting(7, 7, 7)).play()
    assert (done.seen_down, done.seen_down_how, done.seconds_to_down) == (False, "", None)


def test_a_machine_that_does_not_come_back_is_said_and_no_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, monkeypatch, Restarting(7, 7, 0, 9))
    stage.ready = WaitTimeoutError("Waited 300 s")
    monkeypatch.setattr(reboot, "look", lambda machine: Readiness("degraded", False, "", False))
    back, done, seen = stage.play()
    assert not back
    assert done.seconds_to_ready is None
    assert "Waited 300 s" in (done.problem or "")
    assert (seen.system, seen.daemon, seen.swarm_manager) == ("degraded", False, None)


def test_a_machine_of_which_nothing_is_heard_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, monkeypatch, Restarting(7, 7, 0, 9))
    stage.ready = WaitTimeoutError("Waited 300 s")

    def silent(machine: object) -> Readiness:
        raise UnreachableError("gone")

    monkeypatch.setattr(reboot, "look", silent)
    _, _, seen = stage.play()
    assert (seen.daemon, seen.swarm_manager) == (None, None)
    assert seen.problem is not None


def test_a_restart_that_incus_refuses_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, monkeypatch, Restarting(7, failure=HostError("could not restart")))
    with pytest.raises(HostError, match="could not restart"):
        stage.play()


class Slow:
    """An instance that goes down after Incus has given up on its restart: its statuses, look by look."""

    where = "the fake instance"

    def __init__(self, *statuses: str | Exception, failure: Exception | None = None) -> None:
        self.statuses = list(statuses)
        self.failure = failure
        self.started = 0

    def status(self) -> str:
        status = self.statuses.pop(0)
        if isinstance(status, Exception):
            raise status
        return status

    def request_start(self, *, timeout: float) -> None:
        if self.failure:
            raise self.failure
        self.started += 1


def brought_back(instance: Slow, monkeypatch: pytest.MonkeyPatch, *looks: Readiness | Exception) -> list[str]:
    """What was waited for once `instance` was started; `looks` are what is seen of it before."""
    answers, waited = list(looks), []

    def look(machine: Machine) -> Readiness:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(reboot, "look", look)
    monkeypatch.setattr(reboot, "wait_until_ready", lambda machine, timeout: waited.append("ready"))
    machine = fake_machine(FakeExecutor({}))
    machine.instance = cast(Instance, instance)
    reboot.bring_back(machine, timeout=5)
    return waited


UP = Readiness("running", True, "active", True)


def test_a_machine_that_shut_down_too_late_for_incus_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = Slow("Running", UnreachableError("reset"), "Running", "Running", "Stopped")
    stopping = Readiness("stopping", True, "active", True)
    killed = CommandFailedError(["look"], 137, b"", b"", where="ci")
    assert brought_back(instance, monkeypatch, stopping, killed, UnreachableError("down")) == ["ready"]
    assert instance.started == 1
    assert "it has been started" in capsys.readouterr().err


@pytest.mark.parametrize(("then", "comes_back"), [("Running", True), ("Stopped", False)])
def test_a_start_that_incus_refuses_matters_where_the_machine_stays_down(
    then: str, comes_back: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A restart passes through `Stopped`, and goes on where nobody hears of it any more."""
    instance = Slow("Stopped", then, failure=HostError("already running"))
    if comes_back:
        assert brought_back(instance, monkeypatch) == ["ready"]
    else:
        with pytest.raises(HostError, match="already running"):
            brought_back(instance, monkeypatch)
    assert "given up" not in capsys.readouterr().err


def test_a_machine_that_was_not_restarted_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = Slow("Running")
    assert brought_back(instance, monkeypatch, UP) == []
    assert instance.started == 0


def test_a_restart_waits_for_the_shutdown_as_long_as_for_the_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Restarting(7, 7, 0, 9)
    stage = Stage(tmp_path, monkeypatch, instance)
    stage.play()
    assert instance.patience == [stage.bench.run.options.boot_timeout]


def test_the_token_goes_in_on_standard_input() -> None:
    executor = FakeExecutor({f"tee {TOKEN}": completed()})
    token = reboot.plant_token(fake_machine(executor))
    assert executor.runs == [(("tee", TOKEN), token.encode())]
    assert len(token) == 32
