"""What is seen between two looks: the journal of events, and whether anything was missed."""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import sightings, watch
from ccci_host.agent.daemon import TIMEOUT, Daemon
from ccci_host.agent.journal import (
    CAUGHT,
    CLOSED,
    GAP,
    OPEN,
    STOPPED,
    Journal,
    Tail,
    identity,
    tail_of,
    word,
)
from ccci_host.agent.problem import AgentError
from ccci_host.agent.sightings import BUFFER, catch_up, missed, somebody_watches, this_boot
from tests.unit.agent.fake_daemon import FakeDaemon, serving
from tests.unit.agent.hosts import START, FakeHost, by_digest, event

EVENTS = [event(number) for number in range(10)]
LAST = identity(EVENTS[4])


@pytest.mark.parametrize(
    ("tail", "buffer", "told"),
    [
        (Tail(), EVENTS, "nobody watched before"),
        (Tail(LAST, OPEN, "boot"), EVENTS, ""),
        (Tail(LAST, CAUGHT, "boot"), EVENTS, ""),
        (Tail(LAST, STOPPED, "boot"), EVENTS, ""),
        (Tail(LAST, OPEN, "boot"), [event(n) for n in range(100, 100 + BUFFER)], "more than 256 events"),
        (Tail(LAST, CLOSED, "boot"), [event(n) for n in range(100, 100 + BUFFER)], "more than 256 events"),
        (Tail(LAST, CLOSED, "boot"), [event(100)], ""),
        (Tail(LAST, CLOSED, "boot"), [], ""),
        (Tail(LAST, OPEN, "an earlier boot", complete=True), [event(100)], ""),
        (Tail(LAST, OPEN, "an earlier boot"), [event(100)], "the daemon started anew"),
        (Tail(LAST, OPEN, "boot", complete=True), [event(100)], "the daemon started anew"),
        (Tail(LAST, OPEN, "boot"), [event(100)], "the daemon started anew"),
        (Tail(LAST, STOPPED, "an earlier boot"), [event(100)], "the daemon started anew"),
        (Tail(LAST, CAUGHT, "an earlier boot"), [event(100)], "the daemon started anew"),
        (Tail(None, OPEN, "boot"), [], "the daemon started anew"),
    ],
)
def test_what_shows_that_nothing_was_missed(tail: Tail, buffer: list[Any], told: str) -> None:
    said = missed(tail, buffer, "boot")
    assert bool(said) is bool(told)
    assert told in said


def test_catching_up_takes_what_came_after_the_anchor(tmp_path: Path) -> None:
    daemon = Daemon(str(tmp_path / "no.sock"))
    lines = catch_up(Tail(LAST, OPEN, "boot"), EVENTS, daemon, START + 20, "boot")
    assert [line.get("timeNano") for line in lines[:-1]] == [seen["timeNano"] for seen in EVENTS[5:]]
    assert lines[-1]["Action"] == CAUGHT
    assert tuple(lines[-1]["anchor"]) == identity(EVENTS[-1])
    assert "secret" not in str(lines)


def test_an_unproven_stretch_is_a_gap(tmp_path: Path) -> None:
    daemon = Daemon(str(tmp_path / "no.sock"))
    lines = catch_up(Tail(LAST, OPEN, "boot"), [event(100)], daemon, START + 200, "boot")
    assert [line["Action"] for line in lines] == ["start", GAP, CAUGHT]


def test_three_hundred_health_checks_do_not_move_the_anchor_out_of_sight(tmp_path: Path) -> None:
    """A watcher that stops says which event it saw last, of whatever kind."""
    checks = [event(n, action="exec_start: true") for n in range(300)]
    tail = tail_of([word(STOPPED, START, "boot", anchor=identity(checks[-1]))])
    buffer = [*checks[-200:], event(301)]
    assert not missed(tail, buffer, "boot")
    lines = catch_up(tail, buffer, Daemon(str(tmp_path / "no.sock")), START + 400, "boot")
    assert [line["Action"] for line in lines] == ["start", CAUGHT]


def test_the_token_of_a_boot_stays_while_the_run_folder_does(tmp_path: Path) -> None:
    assert this_boot(tmp_path / "run") == this_boot(tmp_path / "run")
    assert this_boot(tmp_path / "run") != this_boot(tmp_path / "another")


def test_nobody_watches_at_first(tmp_path: Path) -> None:
    assert not somebody_watches(tmp_path)


class EnoughError(Exception):
    """The test has seen enough of an endless watch."""


def follow(
    daemon: FakeDaemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    streams: int,
    *,
    timeout: float = TIMEOUT,
    meanwhile: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Watch until it has rested so often: after each stream that the daemon closed or did not give, at least.

    The daemon hangs the first time at most. `meanwhile` is what happens during each rest.
    """
    said: list[str] = []
    rounds = 0

    def rest(_: float) -> None:
        nonlocal rounds
        rounds += 1
        daemon.hangs = ""
        meanwhile(rounds)
        if rounds == streams:
            raise EnoughError

    monkeypatch.setattr(time, "sleep", rest)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with serving(daemon, tmp_path / "docker.sock"), pytest.raises(EnoughError):
        asked = Daemon(str(tmp_path / "docker.sock"), timeout)
        watch.watch(tmp_path / "state", tmp_path / "run", asked, said.append)
    return said


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("when", ["watching", "closed"])
def test_a_word_to_go_that_python_discards_is_heeded_all_the_same(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a shutdown: dockerd has closed the stream, and it is being destroyed when the signal comes."""
    handlers: dict[int, Any] = {}
    said: list[str] = []

    class Doomed:
        def __del__(self) -> None:
            handlers[signal.SIGTERM]()

    def say(line: str) -> None:
        said.append(line)
        if line.startswith(when):
            Doomed()

    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it stayed"))
    daemon = FakeDaemon(FakeHost())
    daemon.buffer, daemon.live = EVENTS[:2], EVENTS[:3]
    with serving(daemon, tmp_path / "docker.sock"), pytest.raises(SystemExit):
        watch.watch(tmp_path / "state", tmp_path / "run", Daemon(str(tmp_path / "docker.sock")), say)
    assert said[-1].startswith(when)
    lines, _ = Journal(tmp_path / "state").read()
    assert lines[-1]["Action"] == (STOPPED if when == "watching" else CLOSED)


def test_the_watcher_writes_down_what_shows_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(FakeHost())
    daemon.buffer = EVENTS[:2]
    daemon.live = [
        EVENTS[1],
        event(50, action="exec_start: health"),
        event(51, "network", "connect"),
        event(52, "image", "pull"),
        event(53, action="die"),
    ]
    said = follow(daemon, tmp_path, monkeypatch, 1)
    lines, damage = Journal(tmp_path / "state").read()
    assert not damage
    told = [(line["Type"], line["Action"]) for line in lines]
    assert told == [
        ("container", "start"),
        ("container", "start"),
        ("watch", GAP),
        ("watch", OPEN),
        ("image", "pull"),
        ("container", "die"),
        ("watch", CLOSED),
    ]
    assert "secret" not in str(lines)
    assert said[0].startswith("gap reason=")


def test_a_service_comes_with_its_spec_and_without_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost()
    host.service("web", by_digest("org/app:1", "app"), asked="org/app:1")
    host.services[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] = ["PASSWORD=hunter2"]
    daemon = FakeDaemon(host)
    created = event(1, "service", "create")
    created["Actor"]["ID"] = "service-web"
    gone = event(2, "service", "create")
    daemon.live = [created, gone]
    follow(daemon, tmp_path, monkeypatch, 1)
    lines, _ = Journal(tmp_path / "state").read()
    services = [line for line in lines if line["Type"] == "service"]
    spec = services[0]["Service"]["Spec"]
    assert spec["TaskTemplate"]["ContainerSpec"]["Image"] == by_digest("org/app:1", "app")
    assert spec["Labels"] == {"com.docker.stack.image": "org/app:1"}
    assert "hunter2" not in str(lines)
    assert "404" in services[1]["problem"]


def test_over_a_restart_of_the_daemon_nothing_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = FakeDaemon(FakeHost())
    daemon.live = EVENTS[:3]
    said = follow(daemon, tmp_path, monkeypatch, 2)
    assert len([line for line in said if line.startswith("gap")]) == 1, "only the very first time"


@pytest.mark.parametrize("where", ["at once", "in past events"])
def test_a_daemon_that_hangs_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    daemon = FakeDaemon(FakeHost())
    daemon.live = EVENTS[:3]
    daemon.hangs = where
    said = follow(daemon, tmp_path, monkeypatch, 2, timeout=0.2)
    assert "timed out" in said[0]
    assert [line.partition(" ")[0] for line in said] == ["waiting", "gap", "watching", "closed"]


def test_an_upgrade_that_ends_the_version_that_is_spoken_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker 29 refuses what 28 spoke, and the watcher is the one that spoke with 28."""
    host = FakeHost()
    host.service("web", by_digest("org/app:1", "app"))
    daemon = FakeDaemon(host)

    def created(moment: int) -> None:
        daemon.live = [event(moment, "service", "create")]
        daemon.live[0]["Actor"]["ID"] = "service-web"

    def upgrade(_: int) -> None:
        daemon.lowest = "1.44"
        created(2)

    created(1)
    said = follow(daemon, tmp_path, monkeypatch, 3, meanwhile=upgrade)
    assert [line.partition(" ")[0] for line in said].count("watching") == 2, "the first try is refused"
    lines, _ = Journal(tmp_path / "state").read()
    seen = [line for line in lines if line["Type"] == "service"]
    assert [line["timeNano"] for line in seen] == [event(1)["timeNano"], event(2)["timeNano"]]
    assert all("Service" in line for line in seen), "the writer asks by itself"


def write_pid(folder: Path, process: int) -> None:
    """Dockerd's pid file, as each process writes it anew."""
    file = folder / "docker.pid"
    file.write_text(str(process))
    os.utime(file, (process, process))


@pytest.mark.parametrize("ends", [1, 3], ids=["it has ended", "its API goes before it"])
def test_a_dockerd_that_was_stopped_is_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: int
) -> None:
    """As `systemctl stop docker` leaves it: systemd listens, and starts it for whoever connects."""
    daemon = FakeDaemon(FakeHost())
    daemon.live = EVENTS[:3]
    asked: list[int] = []

    def meanwhile(rounds: int) -> None:
        asked.append(len(daemon.asked))
        if rounds == ends:
            (tmp_path / "docker.pid").unlink()
        if rounds == 6:
            write_pid(tmp_path, 2000)

    write_pid(tmp_path, 1000)
    said = follow(daemon, tmp_path, monkeypatch, 7, meanwhile=meanwhile)
    assert len(set(asked[:6])) == 1, "nobody connects"
    assert asked[6] > asked[5]
    told = [line.partition(" ")[0] for line in said]
    assert told == ["gap", "watching", "closed", "waiting", "watching", "closed"]
    assert said[3] == f'waiting reason="dockerd is stopped: {tmp_path}/docker.pid is gone"'


def test_one_that_lives_on_is_followed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for once, not before every try."""
    daemon = FakeDaemon(FakeHost())
    daemon.live = EVENTS[:3]
    whole = watch.STOPPING + 4

    def meanwhile(rounds: int) -> None:
        daemon.broken = {} if rounds == whole - 1 else {"/events": 500}

    write_pid(tmp_path, 1000)
    said = follow(daemon, tmp_path, monkeypatch, whole, meanwhile=meanwhile)
    assert [line.partition(" ")[0] for line in said[3:]] == ["waiting", "watching", "closed"]


def test_one_that_a_look_has_reached_is_followed_again_wherever_its_pid_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = FakeDaemon(FakeHost())
    daemon.live = EVENTS[:3]

    def meanwhile(rounds: int) -> None:
        if rounds == 1:
            (tmp_path / "docker.pid").unlink()
        if rounds == 3:
            daemon.buffer = EVENTS[:5]
            Journal(tmp_path / "state").append([word(CAUGHT, START, "boot", anchor=identity(EVENTS[4]))])

    write_pid(tmp_path, 1000)
    said = follow(daemon, tmp_path, monkeypatch, 5, meanwhile=meanwhile)
    told = [line.partition(" ")[0] for line in said]
    again = ["watching", "closed"]
    assert told == ["gap", *again, "waiting", *again, *again], "nor left alone any more for what it has not"


@pytest.mark.parametrize("mark", [sightings.UNCONNECTED, sightings.UNWRITTEN])
def test_a_watcher_that_lives_and_misses_something_does_not_count(tmp_path: Path, mark: str) -> None:
    lock = os.open(tmp_path / "watch.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert somebody_watches(tmp_path)
    (tmp_path / mark).touch()
    assert not somebody_watches(tmp_path)
    os.close(lock)


def test_while_the_disk_is_full_nobody_relies_on_the_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwritten = tmp_path / "run" / sightings.UNWRITTEN
    append, seen = Journal.append, []

    def full_at_first(self: Journal, lines: Iterable[Any]) -> None:
        seen.append(unwritten.exists())
        if len(seen) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, lines)

    monkeypatch.setattr(Journal, "append", full_at_first)
    daemon = FakeDaemon(FakeHost())
    daemon.live = EVENTS[:2]
    follow(daemon, tmp_path, monkeypatch, 2)
    assert seen[:2] == [False, True]
    assert not unwritten.exists()


def test_what_cannot_be_written_yet_waits_without_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, tries = Journal.append, []

    def full_at_first(self: Journal, lines: Iterable[Any]) -> None:
        tries.append(list(lines))
        if len(tries) <= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, lines)

    def crash_loop(_: float = 0.0) -> None:
        for number in range(500):
            writer.put([event(number)])

    monkeypatch.setattr(Journal, "append", full_at_first)
    monkeypatch.setattr(time, "sleep", crash_loop)
    writer = watch._Writer(Journal(tmp_path), tmp_path, Daemon("/nowhere"), lambda _: None)
    crash_loop()
    writer.start()
    writer.flush()
    assert [len(tried) for tried in tries] == [500, 1, 1, 1]
    assert tries[-1] == [sightings.slim(event(499), Daemon("/nowhere"))]
    assert Journal(tmp_path).read() == (tries[-1], "")


def reboot(journal: Journal) -> list[str]:
    """What the watcher of another boot says of a journal, while its daemon has other events."""
    lines = catch_up(journal.tail(), [event(100)], Daemon("/nowhere"), START + 200, "another boot")
    return [line["Action"] for line in lines]


@pytest.fixture
def followed(tmp_path: Path) -> Journal:
    """The journal of a watcher that follows, and has written all that it saw."""
    journal = Journal(tmp_path)
    writer = watch._Writer(journal, tmp_path, Daemon("/nowhere"), lambda _: None)
    writer.start()
    writer.put([word(OPEN, START, "boot"), event(1)])
    writer.flush()
    assert reboot(journal) == ["start", CAUGHT]
    return journal


def test_what_was_seen_and_not_written_is_a_gap_over_a_reboot(
    followed: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any moment while the disk is full, the watcher would leave these lines."""
    append, at_each_try = Journal.append, []

    def full_twice(self: Journal, lines: Iterable[Any]) -> None:
        at_each_try.append(reboot(self))
        if len(at_each_try) <= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, lines)

    monkeypatch.setattr(Journal, "append", full_twice)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    writer = watch._Writer(followed, tmp_path, Daemon("/nowhere"), lambda _: None)
    writer.start()
    writer.put([event(2)])
    writer.flush()
    assert at_each_try == [["start", CAUGHT], ["start", GAP, CAUGHT], ["start", GAP, CAUGHT]]
    assert reboot(followed) == ["start", CAUGHT]


def test_a_watcher_that_is_killed_while_it_waits_for_its_last_lines_leaves_a_gap(
    followed: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes longer than a shutdown waits."""
    writer = watch._Writer(followed, tmp_path, Daemon("/nowhere"), lambda _: None)
    meanwhile = []
    monkeypatch.setattr(writer, "flush", lambda: meanwhile.append(reboot(followed)))
    writer.finish()
    assert meanwhile == [["start", GAP, CAUGHT]]
    assert reboot(followed) == ["start", CAUGHT]


def test_a_watcher_that_wrote_nothing_does_not_vouch_for_the_one_before(
    followed: Journal, tmp_path: Path
) -> None:
    assert followed.doubt()
    watch._Writer(followed, tmp_path, Daemon("/nowhere"), lambda _: None).finish()
    assert reboot(followed) == ["start", GAP, CAUGHT]


def test_while_lines_wait_behind_those_that_were_written_the_journal_is_not_complete(
    followed: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.doubt()
    append = Journal.append
    before: list[bool] = []
    writer = watch._Writer(followed, tmp_path, Daemon("/nowhere"), lambda _: None)

    def more_comes(self: Journal, lines: Iterable[Any]) -> None:
        if not before:
            writer.put([event(3)])
        before.append(self.complete)
        append(self, lines)

    monkeypatch.setattr(Journal, "append", more_comes)
    writer.put([event(2)])
    writer.start()
    writer.flush()
    assert before == [False, False]
    assert followed.complete


def test_a_journal_whose_mark_cannot_be_taken_away_is_told(
    followed: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that has become read-only: there is nothing left to note it with."""
    said: list[str] = []

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    watch._Writer(followed, tmp_path, Daemon("/nowhere"), said.append).finish()
    assert said == ['unmarked reason="[Errno 30] Read-only file system"']


def test_a_full_disk_keeps_the_mark_from_being_made_and_the_watcher_goes_on(
    followed: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.doubt()

    def refuse(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "touch", refuse)
        followed.trust()
    assert not followed.complete
    followed.trust()
    assert followed.complete


def test_a_writer_that_breaks_takes_the_watcher_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that lives on would count as watching."""
    said: list[str] = []
    Journal(tmp_path).trust()
    ended: list[int] = []

    def refuse(self: Journal, lines: Iterable[Any]) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(Journal, "append", refuse)
    monkeypatch.setattr(os, "_exit", ended.append)
    writer = watch._Writer(Journal(tmp_path), tmp_path, Daemon("/nowhere"), said.append)
    writer.put([event(1)])
    writer.run()
    assert ended == [1]
    assert "RuntimeError: odd" in said[-1]
    assert not Journal(tmp_path).complete


def test_a_watcher_counts_from_when_its_stream_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unconnected = tmp_path / "run" / sightings.UNCONNECTED
    append, before = Journal.append, []

    def noting(self: Journal, lines: Iterable[Any]) -> None:
        before.append(unconnected.exists())
        append(self, lines)

    monkeypatch.setattr(Journal, "append", noting)
    follow(FakeDaemon(FakeHost()), tmp_path, monkeypatch, 1)
    assert before[0], "until the word `open` is on disk"
    assert unconnected.exists(), "again, since the daemon closed the stream"


def test_two_watchers_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    lock = os.open(tmp_path / "run" / "watch.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert somebody_watches(tmp_path / "run")
    with pytest.raises(AgentError, match="Another watcher lives"):
        watch.watch(tmp_path / "state", tmp_path / "run", Daemon("/nowhere"), print)
    os.close(lock)
