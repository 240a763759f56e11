"""Leases of both kinds, with real processes and real locks."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.agent import leases as leasing
from ccci_host.agent.gates import Lease
from ccci_host.agent.leases import LONGEST, MOMENT, Leases, tidy
from ccci_host.agent.problem import AgentError
from tests.unit.agent.hosts import PYTHON


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(tmp_path / "state", tmp_path / "run")


def command(leases: Leases, *argv: str) -> list[str]:
    state, run = leases.timed.parent, leases.bound.parent
    agent = [PYTHON, "-m", "ccci_host.agent", "lease", "--state", str(state), "--run", str(run)]
    return [*agent, "--owner", "the nightly run", "--", *argv]


@pytest.fixture
def running(leases: Leases) -> Iterator[subprocess.Popen[bytes]]:
    """A command under a lease, which says when it holds it, and sleeps until it is killed."""
    script = "import sys, time; print('up', flush=True); time.sleep(60)"
    with subprocess.Popen(command(leases, sys.executable, "-c", script), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process
        process.kill()


def test_nothing_is_held_at_first(leases: Leases) -> None:
    assert leases.held() == ()
    with leases.alone() as alone:
        assert alone


def test_a_command_holds_a_lease_while_it_runs(leases: Leases, running: subprocess.Popen[bytes]) -> None:
    (lease,) = leases.held()
    assert lease.owner == "the nightly run"
    assert lease.until is None
    with leases.alone() as alone:
        assert not alone
    running.terminate()
    running.wait()
    assert leases.held() == ()


def test_a_crash_frees_it(leases: Leases, running: subprocess.Popen[bytes]) -> None:
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert leases.held() == ()
    with leases.alone() as alone:
        assert alone
    tidy(leases, time.time() + MOMENT + 1)
    assert not list(leases.bound.glob("*.json"))


def test_what_the_command_started_holds_it_too(leases: Leases) -> None:
    script = "sleep 60 > /dev/null & echo $!"
    done = subprocess.run(command(leases, "sh", "-c", script), stdout=subprocess.PIPE, check=True, timeout=30)
    child = int(done.stdout)
    assert len(leases.held()) == 1
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while leases.held() and time.monotonic() < deadline:
        os.sched_yield()
    assert leases.held() == ()


def test_its_exit_code_is_that_of_the_command(leases: Leases) -> None:
    assert subprocess.run(command(leases, "sh", "-c", "exit 7"), check=False, timeout=30).returncode == 7


def test_a_command_that_cannot_be_run_says_so(leases: Leases) -> None:
    done = subprocess.run(command(leases, "/no/such"), check=False, capture_output=True, timeout=30)
    assert done.returncode == 1
    assert b"/no/such cannot be run under a lease" in done.stderr
    assert leases.held() == ()


def test_flock_is_a_lease_without_a_name(leases: Leases) -> None:
    with leases.alone():
        assert leases.held() == (), "a sweep's own lock is no lease"
    with subprocess.Popen(
        ["flock", "--shared", str(leases.lock), "sh", "-c", "echo up; exec sleep 60"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with leases.alone() as alone:
            assert not alone
        (lease,) = leases.held()
        assert lease.owner == "a process that has sweep.lock locked"
        assert lease.until is None
        with pytest.raises(AgentError, match="The lease flock ends with its process"):
            leases.release(lease.id)
        named = leases.grant("the reboot", 60)
        assert leases.held() == (named,), "it says who"
        process.kill()


def test_to_ask_who_holds_a_lease_makes_no_lock_and_takes_none(
    leases: Leases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases.held()
    assert not list(tmp_path.iterdir())
    with leases.alone():
        pass
    taken: list[object] = []
    monkeypatch.setattr(fcntl, "flock", lambda *how: taken.append(how))
    leases.held()
    assert not taken, "a sweep would take it for a lease"


@pytest.mark.parametrize("line", ["2: -> {kind} {place}", "2: {kind} {place}9", "2: POSIX  {kind} {place}"])
def test_locks_that_are_no_lease(
    leases: Leases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """One that waits for a removal, that of another file, one of another kind."""
    with leases.alone():
        pass
    file = leases.lock.stat()
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    kind = "FLOCK  ADVISORY  READ 4711" if "POSIX" not in line else "ADVISORY  READ 4711"
    monkeypatch.setattr(leasing, "LOCKS", tmp_path / "locks")
    (tmp_path / "locks").write_text(line.format(kind=kind, place=place) + " 0 EOF\n")
    assert leases.held() == ()
    (tmp_path / "locks").write_text(f"2: FLOCK  ADVISORY  READ 4711 {place} 0 EOF\n")
    assert len(leases.held()) == 1


def test_a_lease_waits_for_the_removal_in_flight_and_is_seen_at_once(leases: Leases) -> None:
    with leases.alone():
        process = subprocess.Popen(command(leases, "true"))
        deadline = time.monotonic() + 20
        while not leases.held() and time.monotonic() < deadline:
            os.sched_yield()
        assert [lease.owner for lease in leases.held()] == ["the nightly run"]
        assert process.poll() is None, "it is granted once no removal is in flight"
    assert process.wait(timeout=20) == 0


def test_a_timed_lease_ends_by_itself(leases: Leases) -> None:
    now = time.time()
    lease = leases.grant("the reboot", 60)
    assert leases.held(now + 59) == (lease,)
    assert leases.held(now + 62) == ()


def test_a_timed_lease_is_renewed_and_released(leases: Leases) -> None:
    lease = leases.grant("the reboot", 5)
    renewed = leases.renew(lease.id, 600)
    assert renewed.id == lease.id
    assert renewed.owner == "the reboot"
    assert renewed.until is not None
    assert lease.until is not None
    assert renewed.until > lease.until + 500
    assert leases.release(lease.id) == lease.id
    assert leases.release(lease.id) == f"there is no lease {lease.id}"
    with pytest.raises(AgentError, match="it ended, or was never granted"):
        leases.renew(lease.id, 10)


def test_a_lease_whose_deadline_has_passed_is_not_given_back(
    leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = leases.grant("the reboot", 60)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert leases.release(lease.id) == f"{lease.id} had ended by itself"
    assert list(leases.timed.iterdir()) == []


def test_a_lease_that_ends_with_its_process_cannot_be_released(
    leases: Leases, running: subprocess.Popen[bytes]
) -> None:
    (lease,) = leases.held()
    with pytest.raises(AgentError, match=f"The lease {lease.id} ends with its process"):
        leases.release(lease.id)
    assert leases.held() == (lease,)
    assert running.poll() is None


@pytest.mark.parametrize("hold", [0, -1, LONGEST + 1, float("nan"), float("inf")])
def test_a_hold_that_cannot_be_had(leases: Leases, hold: float) -> None:
    with pytest.raises(AgentError, match="up to 21600 s"):
        leases.grant("me", hold)
    assert leases.held() == ()


@pytest.mark.parametrize("identity", ["../../etc/passwd", "", "a/b"])
def test_an_id_is_no_path(leases: Leases, identity: str) -> None:
    with pytest.raises(AgentError, match="is no lease id"):
        leases.release(identity)


def test_a_deadline_far_ahead_is_cut_for_good(leases: Leases) -> None:
    leases.timed.mkdir(parents=True)
    now = time.time()
    record = leases.timed / "abc.json"
    record.write_text(json.dumps({"owner": "a clock set back", "since": now, "until": now + 400 * 86400}))
    (lease,) = leases.held(now)
    assert lease.until == now + LONGEST
    assert leases.held(now + LONGEST + 1) == (), "reading it again does not make it longer"


def test_a_damaged_record_counts_for_six_hours(leases: Leases) -> None:
    leases.timed.mkdir(parents=True)
    record = leases.timed / "abc.json"
    record.write_text("{")
    (lease,) = leases.held()
    assert "damaged" in lease.owner
    assert leases.held(time.time() + LONGEST + 60) == ()


def test_tidy_leaves_a_lease_that_is_granted_meanwhile(
    leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = leases.held
    late: list[Lease] = []

    def held_and_then(now: float | None = None) -> tuple[Lease, ...]:
        found = held(now)
        late.append(leases.grant("late", 600))
        os.utime(leases.timed / f"{late[0].id}.json", (0, 0))
        return found

    monkeypatch.setattr(leases, "held", held_and_then)
    tidy(leases, time.time())
    assert held() == tuple(late)


def test_tidy_leaves_what_is_held(leases: Leases, running: subprocess.Popen[bytes]) -> None:
    assert running.poll() is None
    kept = leases.grant("me", 600)
    ended = leases.grant("me", 1)
    tidy(leases, time.time() + 2)
    assert len(list(leases.timed.glob("*.json"))) == 2, "it may be renewed this moment"
    tidy(leases, time.time() + MOMENT + 2)
    assert {path.stem for path in leases.timed.glob("*.json")} == {kept.id}
    assert len(list(leases.bound.glob("*.json"))) == 1
    assert ended.id not in {lease.id for lease in leases.held()}
