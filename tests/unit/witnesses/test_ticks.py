"""A day of ticks: systemd's word on how each ended, the agent's on how full it left the disk."""

import json
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import DockerGet, FileSystem, ReadFile
from ccci_host.records import Tick, TicksSeen
from ccci_host.transport.executor import Completed
from ccci_host.witnesses import ticks
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine

POLICY = Present(b'{"high_watermark": 80.0, "low_watermark": 70.0}')
CLOCK = Present(b"1795597306\n")


def said(invocation: str, text: str) -> dict[str, str]:
    """A line of the agent's."""
    return {"MESSAGE": text, "_SYSTEMD_INVOCATION_ID": invocation, "__REALTIME_TIMESTAMP": "1795597296775652"}


def ended(invocation: str, result: str, at: float) -> dict[str, str]:
    """systemd's line at the end of a start."""
    stamp = str(int(at * 1e6))
    return {"INVOCATION_ID": invocation, "JOB_RESULT": result, "__REALTIME_TIMESTAMP": stamp, "MESSAGE": "…"}


def book(*entries: dict[str, Any]) -> Present:
    return Present("".join(json.dumps(entry) + "\n" for entry in entries).encode())


def parsed(journal: Answer, *, policy: Answer = POLICY, clock: Answer = CLOCK) -> TicksSeen:
    answers = {ticks._JOURNAL: journal, ticks._CLOCK: clock, ticks._POLICY: policy}
    return ticks.parse(Answers(answers))


def test_each_tick_has_its_end_and_what_it_left() -> None:
    seen = parsed(
        book(
            {"INVOCATION_ID": "a", "MESSAGE": "Starting ccci-prune.service", "__REALTIME_TIMESTAMP": "1"},
            said("a", 'closed gate=no-pressure reason="/var/lib/docker at 4.6 % (inodes 0.3 %): below 80 %"'),
            said("a", "ended removed=0 kept=2 /var/lib/docker=4.6% /var/lib/containerd=12%"),
            ended("a", "done", 1000.5),
            said("b", 'failed reason="x=99%"'),
            ended("b", "failed", 2000.0),
            said("c", "ended removed=1 kept=0 /var/lib/docker=81.2%"),
            ended("c", "failed", 3000.0),
        )
    )
    assert seen.ticks == (
        Tick(at=1000.5, done=True, percent=12.0),
        Tick(at=2000.0, done=False),
        Tick(at=3000.0, done=False, percent=81.2),
    )
    assert (seen.host_clock, seen.high_percent, seen.low_percent) == (1795597306.0, 80.0, 70.0)
    assert seen.problem is None


def test_a_line_of_another_tick_tells_nothing_of_this_one() -> None:
    seen = parsed(book(said("a", "ended removed=0 kept=2 /var/lib/docker=4.6%"), ended("b", "done", 1.0)))
    assert seen.ticks == (Tick(at=1.0, done=True),)


def test_no_tick_is_none_and_no_problem() -> None:
    seen = parsed(Present(b""))
    assert (seen.ticks, seen.problem) == ((), None)


@pytest.mark.parametrize("answer", [Absent(), Unreadable("denied")])
def test_a_journal_or_a_clock_that_does_not_answer_is_a_problem(answer: Answer) -> None:
    assert parsed(answer).problem
    assert parsed(book(), clock=answer).problem


def test_lines_that_are_no_journal_are_a_problem() -> None:
    assert parsed(Present(b"-- No entries --\n")).problem


@pytest.mark.parametrize("policy", [Absent(), Unreadable("denied"), Present(b"{}")])
def test_a_policy_without_watermarks_names_none(policy: Answer) -> None:
    seen = parsed(book(), policy=policy)
    assert (seen.high_percent, seen.low_percent, seen.problem) == (None, None, None)


@pytest.mark.parametrize("policy", [b"[]", b"{"])
def test_a_policy_that_is_none_is_a_problem(policy: bytes) -> None:
    assert parsed(book(), policy=Present(policy)).problem


def seen_on(
    monkeypatch: pytest.MonkeyPatch,
    info: Answer,
    disk: Answer,
    config: Answer = Absent(),  # noqa: B008 - a value
    folder: str = "",
) -> tuple[TicksSeen, list[Any]]:
    """A look at a host with that daemon, and that disk; and the probes that were put."""
    asked: list[Any] = []

    def collect(machine: object, *facts: Fact[Any]) -> dict[Fact[Any], Any]:
        def answer(probe: Any) -> Answer:
            asked.append(probe)
            if isinstance(probe, DockerGet):
                return info if probe.path == "/info" else Present(b'{"Version": "26.1.5", "ApiVersion": "1"}')
            if isinstance(probe, FileSystem):
                return disk if folder in ("", probe.path) else Absent()
            if probe == ReadFile("/etc/containerd/config.toml"):
                return config
            return {ticks._JOURNAL: book(), ticks._CLOCK: CLOCK, ticks._POLICY: POLICY}.get(probe, disk)

        return {fact: fact.parse(Answers({probe: answer(probe) for probe in fact.probes})) for fact in facts}

    monkeypatch.setattr(ticks, "collect", collect)
    return ticks.look(fake_machine(FakeExecutor()), "end"), asked


DISK = Present(
    json.dumps(
        {"bytes": 100, "bytes_free": 60, "bytes_available": 50, "inodes": 10, "inodes_free": 9}
    ).encode()
)


MOVED = Present(b'version = 2\nroot = "/data/containerd"\n')


@pytest.mark.parametrize(
    ("driver", "config", "folder"),
    [
        ("overlay2", MOVED, "/data/docker"),
        ("io.containerd.snapshotter.v1", Absent(), "/var/lib/containerd"),
        ("io.containerd.snapshotter.v1", MOVED, "/data/containerd"),
        ("io.containerd.snapshotter.v1", Absent(), "/data/docker/containerd/daemon"),
    ],
)
def test_the_disk_is_that_of_the_layers(
    monkeypatch: pytest.MonkeyPatch, driver: str, config: Answer, folder: str
) -> None:
    info = {"DockerRootDir": "/data/docker", "DriverStatus": [["driver-type", driver]]}
    seen, _ = seen_on(monkeypatch, Present(json.dumps(info).encode()), DISK, config, folder)
    assert (seen.folder, seen.used, seen.available, seen.problem) == (folder, 40, 50, None)


def test_where_containerd_keeps_the_layers_may_be_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    info = Present(
        b'{"DockerRootDir": "/d", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}'
    )
    seen, _ = seen_on(monkeypatch, info, DISK, Unreadable("permission denied"))
    assert seen.problem == "containerd's configuration cannot be read"


def test_a_daemon_or_a_disk_that_does_not_answer_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen_on(monkeypatch, Absent(), DISK)[0].problem
    there = Present(b'{"DockerRootDir": "/var/lib/docker"}')
    assert (
        seen_on(monkeypatch, there, Absent())[0].problem == "the disk of /var/lib/docker cannot be measured"
    )


def test_a_host_that_cannot_be_asked_is_a_problem() -> None:
    failing = FakeExecutor({"python3 -I -c": Completed((), 1, b"", b"Killed", "the fake host")})
    assert "Killed" in (ticks.look(fake_machine(failing), "end").problem or "")
