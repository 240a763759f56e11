"""The watcher: the daemon's events, written down as they happen.

`ccci-prune-watch.service` starts before dockerd and stops after it. `sightings` knows what an event shows,
and how to catch up with what passed while nobody watched.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Optional

from .daemon import Daemon, DaemonError
from .journal import CAUGHT, CLOSED, GAP, OPEN, STOPPED, Anchor, Journal, essence, identity, is_word, word
from .logline import quoted
from .problem import AgentError
from .sightings import UNCONNECTED, UNWRITTEN, buffered, catch_up, slim, tells, this_boot

RETRY = 1.0
"""Seconds between two tries to reach the daemon, or to write to a full disk: neither says when to."""

STOPPING = 20
"""Tries that a dockerd has to end in once it has closed its streams; before 29 it closed them by ending.

Source: moby, `daemonCLI.start`: five seconds for what its API still answers, ten for a containerd of its own.
"""

Say = Callable[[str], None]


def watch(state: Path, run: Path, daemon: Daemon, say: Say) -> NoReturn:
    """Write the daemon's events down until told to go. Raises `AgentError` when another watcher lives."""
    run.mkdir(parents=True, exist_ok=True)
    lock = os.open(run / "watch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AgentError("Another watcher lives.") from None
    watcher = _Watcher(Journal(state), run, daemon, say)
    signal.signal(signal.SIGTERM, lambda *_: watcher.go())
    try:
        watcher.follow_for_ever()
    finally:
        watcher.end()


class _Watcher:
    def __init__(self, journal: Journal, run: Path, daemon: Daemon, say: Say) -> None:
        self._journal = journal
        self._unconnected = run / UNCONNECTED
        self._unconnected.touch()
        self._daemon = daemon
        self._boot = this_boot(run)
        self._say = say
        self._writer = _Writer(journal, run, Daemon(daemon.path, daemon.timeout), say)
        self._writer.start()
        self._last: Optional[Anchor] = None
        """The last event that was seen, of whatever kind; None while no stream is open."""
        self._pid_file = Path(daemon.path).with_name("docker.pid")
        """Where dockerd writes it unless told otherwise: beside its socket."""
        self._pid_written: Optional[int] = None
        """When the dockerd of the last stream did so; None where it has another pid file, or none."""
        self._told_to_go = False

    def go(self) -> NoReturn:
        """End the watch, from a signal's handler.

        Python discards what is raised while an object is being destroyed (measured: a stream that dockerd has
        just closed, in a shutdown). So the next step that may take long asks once more.
        """
        self._told_to_go = True
        raise SystemExit(0)

    def follow_for_ever(self) -> NoReturn:
        """Follow stream after stream, until told to go."""
        silent = False
        while True:
            try:
                self._follow()
                silent = False
            except (DaemonError, OSError, ValueError) as error:
                if not silent:
                    self._say(f"waiting reason={quoted(str(error))}")
                silent = True
            self._unconnected.touch()
            self._stay()
            time.sleep(RETRY)  # a daemon that is not there is asked for ever, but not all the time
            self._leave_it_stopped()

    def _leave_it_stopped(self) -> None:
        """Wait while dockerd is stopped: where systemd holds its socket, who connects has it started again.

        Its pid file tells, if it was there while the stream was open. Gone: dockerd is stopped. The same: it
        may be stopping. Another: it runs. No use goes unseen for that: a dockerd that is stopped has no
        events, one that starts writes the file before it answers anybody, and it remembers what happens until
        the stream is open, as after any restart. Should its pid file have another place by then, the watch
        goes on once a look has reached it, which the journal shows.
        """
        tries, said = 0, False
        while self._pid_written is not None:
            written = self._written()
            if written is None:
                if self._journal.tail().said == CAUGHT:
                    return
                if not said:
                    self._say(f"waiting reason={quoted(f'dockerd is stopped: {self._pid_file} is gone')}")
                said = True
            elif written != self._pid_written:
                return
            elif tries >= STOPPING:
                self._pid_written = None
            tries += 1
            self._stay()
            time.sleep(RETRY)  # nothing tells of a pid file that comes or goes: it is looked at

    def _written(self) -> Optional[int]:
        try:
            return self._pid_file.stat().st_mtime_ns
        except OSError:
            return None

    def _stay(self) -> None:
        if self._told_to_go:
            raise SystemExit(0)

    def end(self) -> None:
        """Say where the watch ended, so that the next one can show that nothing was missed in between."""
        if self._last is not None:
            self._writer.put([word(STOPPED, time.time(), self._boot, anchor=self._last)])
        self._writer.finish()

    def _follow(self) -> None:
        """Catch up, then write down what happens until the daemon closes the stream."""
        stream = self._daemon.open_events({})
        now = time.time()
        buffer = buffered(self._daemon, now)
        *caught, ended = catch_up(self._journal.tail(), buffer, self._daemon, now, self._boot)
        for line in caught:
            if line["Action"] == GAP:
                self._say(f"gap reason={quoted(line['reason'])}")
        self._writer.put([*caught, {**ended, "Action": OPEN}])
        self._say("watching")
        twice = {identity(event) for event in buffer}
        last = identity(buffer[-1]) if buffer else None
        self._pid_written = self._written()
        while True:
            self._last = last
            self._stay()
            line = stream.readline()
            if not line:
                break
            event = json.loads(line)
            if identity(event) in twice:
                continue
            last = identity(event)
            if tells(event):
                self._writer.put([event])
        self._last = None
        self._writer.put([word(CLOSED, time.time(), self._boot, anchor=last)])
        self._writer.flush()
        self._say("closed reason=the-daemon-closed-the-stream")


class _Writer(threading.Thread):
    """Writes lines in its own time: neither a full disk nor a service's look-up keeps the stream waiting."""

    def __init__(self, journal: Journal, run: Path, daemon: Daemon, say: Say) -> None:
        super().__init__(daemon=True)
        self._journal = journal
        self._unconnected, self._unwritten = run / UNCONNECTED, run / UNWRITTEN
        self._daemon = daemon
        self._say = say
        self._queue: queue.Queue[list[Any]] = queue.Queue()
        self._taken = 0
        """Batches that were taken from the queue, and are not written yet."""

    def put(self, lines: list[Any]) -> None:
        self._queue.put(lines)

    def flush(self) -> None:
        """Wait until all is written."""
        self._queue.join()

    def finish(self) -> None:
        """Wait until all is written. Who is killed meanwhile leaves a journal that is not complete."""
        was_complete = self._doubt()
        self.flush()
        if was_complete:
            self._journal.trust()

    def run(self) -> None:
        """Write for ever. Where that breaks the process ends: one that is merely alive counts as watching."""
        try:
            self._go_on()
        except BaseException as error:
            self._doubt()
            self._say(f"failed reason={quoted(f'{type(error).__name__}: {error}')}")
            os._exit(1)

    def _go_on(self) -> None:
        while True:
            self._write(self._take(self._queue.get()))
            if self._queue.empty():
                self._journal.trust()
            for _ in range(self._taken):
                self._queue.task_done()
            self._taken = 0

    def _take(self, first: list[Any]) -> list[Any]:
        """The lines of the batch `first` and of all that wait behind it, as they are written."""
        lines, more = list(first), 1
        while not self._queue.empty():
            lines += self._queue.get_nowait()
            more += 1
        self._taken += more
        return [line if is_word(line) else slim(line, self._daemon) for line in lines]

    def _doubt(self) -> bool:
        """Take the journal's mark away, for what is in hand may never be written."""
        try:
            return self._journal.doubt()
        except OSError as error:  # nothing can be written there any more
            self._say(f"unmarked reason={quoted(str(error))}")
            return False

    def _write(self, lines: list[Any]) -> None:
        said = False
        while True:
            try:
                self._journal.append(lines)
            except OSError as error:
                if not said:
                    full = error.errno == errno.ENOSPC
                    self._say(f"waiting reason={'disk-full' if full else quoted(str(error))}")
                    self._doubt()  # the mark in the run folder goes with the boot
                said = True
                self._unwritten.touch()
                time.sleep(RETRY)  # until there is room; what comes meanwhile waits, condensed
                if not self._queue.empty():
                    lines = essence([*lines, *self._take(self._queue.get())])
            else:
                self._unwritten.unlink(missing_ok=True)
                if any(line.get("Action") == OPEN for line in lines if is_word(line)):
                    self._unconnected.unlink(missing_ok=True)
                return
