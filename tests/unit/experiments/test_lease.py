"""The timed lease: taken before anything is done, renewed, given back; never over somebody else's."""

import json
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import HostError, RefusedError, UnansweredError, UnreachableError
from ccci_host.experiments import lease
from ccci_host.experiments.lease import (
    AGENT,
    Holder,
    TimedLease,
    own_name,
    process_start,
    process_table,
    refuse_over_others,
)
from ccci_host.records import LeaseSeen
from ccci_host.transport.executor import Completed
from tests.fakes import Answer, FakeExecutor, completed
from tests.unit.machines import fake_machine

Script = dict[str, Any]
BOOT, NAMESPACE = process_table() or ("", "")


def leased(script: Script) -> tuple[TimedLease, FakeExecutor, list[LeaseSeen]]:
    executor = FakeExecutor(script)
    said: list[LeaseSeen] = []
    return TimedLease(fake_machine(executor), said.append), executor, said


def words(executor: FakeExecutor) -> list[str]:
    return [" ".join(argv[1:4]) for argv, _ in executor.runs]


def test_a_lease_is_taken_and_given_back() -> None:
    held, executor, said = leased({f"{AGENT} lease": completed("abc\n")})
    held.take()
    assert held.id == "abc"
    held.release()
    held.release()
    assert [(one.step, one.id) for one in said] == [("taken", "abc"), ("released", "abc")]
    assert words(executor) == ["lease --hold 3600", "lease --release abc"]


def test_a_wish_to_stop_waits_until_the_lease_is_known() -> None:
    """Cut off before, the host would hold it for an hour, and nobody would give it back."""

    def given(argv: Sequence[str], _: bytes) -> Completed:
        if "--hold" in argv:
            signal.raise_signal(signal.SIGINT)
        return completed("abc\n")

    held, executor, said = leased({f"{AGENT} lease": given})
    with pytest.raises(KeyboardInterrupt):
        held.take()
    held.release()
    assert [(one.step, one.id) for one in said] == [("taken", "abc"), ("released", "abc")]
    assert words(executor) == ["lease --hold 3600", "lease --release abc"]


def test_a_second_wish_to_stop_does_not_wait() -> None:
    def given(*_: object) -> Completed:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it went on")

    held, _, said = leased({f"{AGENT} lease": given})
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        held.take()
    assert said == []


def test_a_lease_that_is_not_given_stops_the_experiment() -> None:
    held, _, said = leased({f"{AGENT} lease": completed(stderr="read-only", exit_code=1)})
    with pytest.raises(HostError, match="gives no lease"):
        held.take()
    assert [(one.step, one.problem) for one in said] == [("refused", "read-only")]


def test_a_young_lease_is_not_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    held, executor, _ = leased({f"{AGENT} lease": completed("abc")})
    held.take()
    held.renew()
    assert words(executor) == ["lease --hold 3600"]
    monkeypatch.setattr(lease, "RENEW_AFTER_SECONDS", -1)
    held.renew()
    assert words(executor)[1:] == ["lease --renew abc"]


def test_a_lease_that_was_lost_is_said_and_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    held, _, said = leased(
        {
            f"{AGENT} lease --hold": completed("abc"),
            f"{AGENT} lease --renew": completed(stderr="it ended", exit_code=1),
            f"{AGENT} status": completed(json.dumps({"leases": [{"id": "abc", "owner": own_name()}]})),
        }
    )
    held.take()
    monkeypatch.setattr(lease, "RENEW_AFTER_SECONDS", -1)
    held.renew()
    assert [one.step for one in said] == ["taken", "lost", "taken"]


def test_whoever_came_while_a_lease_was_lost_is_not_disturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"leases": [{"id": "abc", "owner": own_name()}, {"id": "x", "owner": "someone"}]}
    held, _, _ = leased(
        {
            f"{AGENT} lease --hold": completed("abc"),
            f"{AGENT} lease --renew": completed(stderr="it ended", exit_code=1),
            f"{AGENT} status": completed(json.dumps(theirs)),
        }
    )
    held.take()
    monkeypatch.setattr(lease, "RENEW_AFTER_SECONDS", -1)
    with pytest.raises(RefusedError, match="Somebody else's run is under way"):
        held.renew()


@pytest.mark.parametrize("away", ["lease --hold", "status"])
def test_a_host_that_is_away_while_a_lost_lease_is_taken_is_asked_again_at_once(away: str) -> None:
    """Else nobody would hold one for five minutes, or nobody ever look who had come meanwhile."""
    theirs = {"leases": [{"id": "abc", "owner": own_name()}, {"id": "x", "owner": "someone"}]}
    script: Script = {
        f"{AGENT} lease --hold": completed("abc"),
        f"{AGENT} lease --renew": completed(stderr="it ended", exit_code=1),
        f"{AGENT} status": completed(json.dumps(theirs)),
    }
    held, executor, _ = leased(script)
    held.take()
    held._since -= 1000
    executor.script = {**script, f"{AGENT} {away}": UnreachableError("the wire broke")}
    with pytest.raises(UnreachableError):
        held.renew()
    executor.script = {**script, f"{AGENT} lease --renew": completed("abc")} if away == "status" else script
    with pytest.raises(RefusedError, match="Somebody else's run is under way"):
        held.renew()


def test_a_clock_that_was_set_back_or_slept_renews_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held, executor, _ = leased({f"{AGENT} lease": completed("abc")})
    now = 10_000.0
    monkeypatch.setattr("time.time", lambda: now)
    held.take()
    for now in (9_000.0, 9_301.0):  # noqa: B007 - the clock reads it
        held.renew()
    assert words(executor)[1:] == ["lease --renew abc", "lease --renew abc"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (completed("abc had ended by itself\n"), "abc had ended by itself"),
        (completed("there is no lease abc\n"), "there is no lease abc"),
        (completed(stderr="read-only", exit_code=1), "read-only"),
        (completed(exit_code=137), "the agent ended with exit code 137"),
    ],
)
def test_a_lease_that_is_held_no_more_was_lost_and_not_given_back(answer: Completed, problem: str) -> None:
    held, _, said = leased({f"{AGENT} lease --hold": completed("abc"), f"{AGENT} lease --release": answer})
    held.take()
    held.release()
    assert [(one.step, one.id, one.problem) for one in said][1:] == [("lost", "abc", problem)]


def unanswered_at_first(then: Completed) -> Answer:
    """Incus loses the first answer."""
    tries: list[object] = []

    def answer(*_: object) -> Completed:
        tries.append(_)
        if len(tries) == 1:
            raise UnansweredError("Nobody knows how it ended.")
        return then

    return answer


@pytest.mark.parametrize(
    ("then", "step"),
    [
        (completed("abc\n"), "released"),
        (completed("there is no lease abc\n"), "released"),
        (completed("abc had ended by itself\n"), "lost"),
        (completed("there is no lease abc\n", exit_code=1), "lost"),
    ],
)
def test_a_release_whose_answer_is_lost_is_asked_for_again(then: Completed, step: str) -> None:
    """The first try may have ended it."""
    held, executor, said = leased(
        {f"{AGENT} lease --hold": completed("abc"), f"{AGENT} lease --release": unanswered_at_first(then)}
    )
    held.take()
    held.release()
    assert [(one.step, one.id) for one in said][1:] == [(step, "abc")]
    assert words(executor)[1:] == ["lease --release abc"] * 2


def test_this_process_is_alive_by_its_name() -> None:
    assert not Holder("x", own_name(), "later").is_dead


@pytest.mark.parametrize(
    ("answer", "dead"), [(None, False), (PermissionError(), False), (ProcessLookupError(), True)]
)
@pytest.mark.parametrize("hidden", [FileNotFoundError(), PermissionError()])
def test_a_process_that_proc_hides_is_not_dead(
    answer: Exception | None, dead: bool, hidden: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = own_name()

    def read_text(path: Path) -> str:
        if path.name == "stat":
            raise hidden
        return BOOT

    def kill(pid: int, signal: int) -> None:
        assert (pid, signal) == (os.getpid(), 0)
        if answer is not None:
            raise answer

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(os, "kill", kill)
    assert Holder("x", owner, "later").is_dead is dead


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        ("ccci-host HERE OURS 1 BOOT NAMESPACE", True),
        ("ccci-host HERE 4194304 99 BOOT NAMESPACE", True),
        (f"ccci-host HERE {10**30} 99 BOOT NAMESPACE", True),
        ("ccci-host another-controller OURS 1 BOOT NAMESPACE", False),
        ("ccci-host HERE OURS 1 BOOT pid:[1]", False),
        ("ccci-host HERE 4194304 99 BOOT pid:[1]", False),
        ("ccci-host HERE OURS 1 another-boot NAMESPACE", False),
        ("ccci-host HERE 4194304 99", False),
        ("another-suite HERE OURS 1 BOOT NAMESPACE", False),
        ("somebody", False),
        ("ccci-host HERE many 1 BOOT NAMESPACE", False),
        ("", False),
    ],
)
def test_only_a_process_of_this_boot_and_namespace_can_be_known_to_be_dead(owner: str, dead: bool) -> None:
    for word, meant in {
        "HERE": socket.gethostname(),
        "OURS": str(os.getpid()),
        "BOOT": BOOT,
        "NAMESPACE": NAMESPACE,
    }.items():
        owner = owner.replace(word, meant)
    assert Holder("x", owner, "later").is_dead is dead


def test_where_the_kernel_does_not_tell_the_namespace_nobody_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    before = own_name()
    monkeypatch.setattr(lease, "process_table", lambda: None)
    monkeypatch.setattr(lease, "process_start", lambda pid: None)
    assert own_name() == f"ccci-host {socket.gethostname()} {os.getpid()} None"
    assert [Holder("x", owner, "later").is_left for owner in (before, own_name())] == [False, False]


def test_a_process_that_is_not_there_has_no_start() -> None:
    assert process_start(4194304) is None
    assert process_start(os.getpid()) is not None


def test_the_kernel_tells_boot_and_namespace() -> None:
    assert len(BOOT) == 36
    assert NAMESPACE.startswith("pid:[")


def status(*owners: str) -> Answer:
    leases = [{"id": f"id{n}", "owner": owner, "until": "later"} for n, owner in enumerate(owners)]
    return lambda argv, sent: completed(json.dumps({"leases": leases}))


def test_an_experiment_refuses_over_somebody_elses_run() -> None:
    executor = FakeExecutor({f"{AGENT} status --json": status("ci: build 7")})
    with pytest.raises(RefusedError) as refused:
        refuse_over_others(fake_machine(executor))
    assert "ci: build 7" in refused.value.details
    assert "`ccci-prune lease --release id0` there" in refused.value.resolution
    assert words(executor) == ["status --json"]


def test_its_own_lease_and_those_of_the_dead_do_not_stop_it() -> None:
    dead = f"ccci-host {socket.gethostname()} {os.getpid()} 1 {BOOT} {NAMESPACE}"
    executor = FakeExecutor(
        {f"{AGENT} status --json": status("me", dead), f"{AGENT} lease --release": completed("id1")}
    )
    released = refuse_over_others(fake_machine(executor), own="id0")
    assert [one.id for one in released] == ["id1"]


def test_a_lease_that_this_process_lost_track_of_is_released() -> None:
    """Such as one whose release nobody answered, twice."""
    executor = FakeExecutor(
        {
            f"{AGENT} status --json": status(own_name(), own_name()),
            f"{AGENT} lease --release id1": unanswered_at_first(completed("there is no lease id1")),
        }
    )
    released = refuse_over_others(fake_machine(executor), own="id0")
    assert [one.id for one in released] == ["id1"]
    assert words(executor)[1:] == ["lease --release id1"] * 2


@pytest.mark.parametrize(
    "said", [completed("no json"), completed("{}"), completed("[]"), completed(exit_code=1)]
)
def test_an_agent_that_does_not_say_who_holds_a_lease_stops_it(said: Any) -> None:
    with pytest.raises(HostError, match="does not say who holds a lease"):
        refuse_over_others(fake_machine(FakeExecutor({f"{AGENT} status --json": said})))
