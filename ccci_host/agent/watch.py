"""Use between two looks, however short: the daemon's events, written down as they happen.

The daemon remembers 256 events, health checks among them, and none over a restart; asked once an hour it has
forgotten. So `ccci-prune-watch.service` stays and appends what shows use to the journal of events; a look
folds that into the ledger. It starts before dockerd and stops after it.

When it was not there, the daemon's buffer says whether anything was missed: a buffer that still holds the
last event that was seen holds all that followed. Where that cannot be shown a `gap` is written down, and
every image counts as used at that moment.
"""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import os
import queue
import secrets
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Optional

from . import storage
from .daemon import Daemon, DaemonError
from .host import STACK_IMAGE
from .journal import (
    CAUGHT,
    CLOSED,
    GAP,
    OPEN,
    STOPPED,
    Anchor,
    Journal,
    Tail,
    essence,
    identity,
    is_word,
    word,
)
from .problem import AgentError

BUFFER = 256
"""Events that the daemon remembers. Source: moby, daemon/events/events.go, `eventsLimit`."""

TELLING = {
    "container": ("create", "start", "restart", "unpause", "die", "destroy"),
    "image": ("pull",),
    "service": ("create", "update"),
}
"""The events that show use."""

RETRY = 1.0
"""Seconds between two tries to reach the daemon, or to write to a full disk."""

Say = Callable[[str], None]


def missed(tail: Tail, buffer: list[Any], boot: str) -> str:
    """Why events may have been missed since the journal's tail; empty when it is shown that none were."""
    if not tail.said:
        return "nobody watched before"
    if tail.anchor is not None and tail.anchor in {identity(event) for event in buffer}:
        return ""
    if len(buffer) >= BUFFER:
        return f"more than {BUFFER} events passed while nobody watched"
    # The last event is not in a buffer that never overran: the daemon has started anew since. A watcher that
    # was there to the daemon's end, or to the machine's, has seen all before.
    if tail.said == CLOSED or (tail.said == OPEN and tail.boot != boot):
        return ""
    return "the daemon started anew while nobody watched"


def catch_up(tail: Tail, buffer: list[Any], daemon: Daemon, now: float, boot: str) -> list[Any]:
    """The lines to add to a journal with this tail, so that nothing of the daemon's `buffer` is missed."""
    why = missed(tail, buffer, boot)
    seen = [number for number, event in enumerate(buffer) if identity(event) == tail.anchor]
    news = buffer[seen[-1] + 1 :] if seen else buffer
    lines = [_slim(event, daemon) for event in news if _tells(event)]
    if why:
        lines.append(word(GAP, now, boot, reason=why))
    anchor = identity(buffer[-1]) if buffer else tail.anchor
    return [*lines, word(CAUGHT, now, boot, anchor=anchor)]


def buffered(daemon: Daemon, now: float) -> list[Any]:
    """The events that the daemon remembers, of every kind. Raises `DaemonError`."""
    response = daemon.open_events({"since": "1", "until": f"{now:.9f}"})
    try:
        return [json.loads(line) for line in response.read().splitlines() if line.strip()]
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DaemonError(f"The daemon's events break off or are no JSON: {error}") from None


UNCONNECTED, UNWRITTEN = "watch.unconnected", "watch.unwritten"
"""Marks in the run folder, which a full disk does not reach: a living watcher counts only without them."""


def somebody_watches(run: Path) -> bool:
    """Whether a watcher lives (it holds its lock), follows the daemon, and has written down what it saw."""
    if any((run / mark).exists() for mark in (UNCONNECTED, UNWRITTEN)):
        return False
    try:
        descriptor = os.open(run / "watch.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def this_boot(run: Path) -> str:
    """What tells this boot from another, in containers too: a token in the run folder, gone with the boot."""
    token = run / "boot"
    run.mkdir(parents=True, exist_ok=True)
    if not token.exists():
        storage.write(token, secrets.token_hex(8).encode())
    return token.read_text(encoding="ascii")


def watch(state: Path, run: Path, daemon: Daemon, say: Say) -> NoReturn:
    """Write the daemon's events down until told to go. Raises `AgentError` when another watcher lives."""
    run.mkdir(parents=True, exist_ok=True)
    lock = os.open(run / "watch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AgentError("Another watcher lives.") from None
    watcher = _Watcher(Journal(state), run, daemon, say)
    signal.signal(signal.SIGTERM, lambda *_: _go())
    try:
        watcher.follow_for_ever()
    finally:
        watcher.end()


def _go() -> NoReturn:
    raise SystemExit(0)


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

    def follow_for_ever(self) -> NoReturn:
        silent = False
        while True:
            try:
                self._follow()
                silent = False
            except (DaemonError, OSError, ValueError) as error:
                if not silent:
                    self._say(f"waiting reason={json.dumps(str(error), ensure_ascii=False)}")
                silent = True
            self._unconnected.touch()
            self._daemon.close()
            time.sleep(RETRY)

    def end(self) -> None:
        """Say where the watch ended, so that the next one can show that nothing was missed in between."""
        if self._last is not None:
            self._writer.put([word(STOPPED, time.time(), self._boot, anchor=self._last)])
        self._writer.flush()

    def _follow(self) -> None:
        """Catch up, then write down what happens until the daemon closes the stream."""
        stream = self._daemon.open_events({})
        now = time.time()
        buffer = buffered(self._daemon, now)
        *caught, ended = catch_up(self._journal.tail(), buffer, self._daemon, now, self._boot)
        for line in caught:
            if line["Action"] == GAP:
                self._say(f"gap reason={json.dumps(line['reason'])}")
        self._writer.put([*caught, {**ended, "Action": OPEN}])
        self._say("watching")
        twice = {identity(event) for event in buffer}
        last = identity(buffer[-1]) if buffer else None
        while True:
            self._last = last
            line = stream.readline()
            if not line:
                break
            event = json.loads(line)
            if identity(event) in twice:
                continue
            last = identity(event)
            if _tells(event):
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

    def run(self) -> None:
        while True:
            self._write(self._take(self._queue.get()))
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
        return [line if is_word(line) else _slim(line, self._daemon) for line in lines]

    def _write(self, lines: list[Any]) -> None:
        said = False
        while True:
            try:
                self._journal.append(lines)
            except OSError as error:
                if not said:
                    full = error.errno == errno.ENOSPC
                    self._say(f"waiting reason={'disk-full' if full else json.dumps(str(error))}")
                said = True
                self._unwritten.touch()
                time.sleep(RETRY)
                if not self._queue.empty():
                    lines = essence([*lines, *self._take(self._queue.get())])
            else:
                self._unwritten.unlink(missing_ok=True)
                if any(line.get("Action") == OPEN for line in lines if is_word(line)):
                    self._unconnected.unlink(missing_ok=True)
                return


def _tells(event: Any) -> bool:
    return event.get("Action") in TELLING.get(str(event.get("Type")), ())


def _slim(event: Any, daemon: Daemon) -> dict[str, Any]:
    """What a look needs of an event. A service's spec comes with it, for it may be gone at the next look."""
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    slim = {
        "Type": event.get("Type"),
        "Action": event.get("Action"),
        "Actor": {
            "ID": actor.get("ID"),
            "Attributes": {key: attributes[key] for key in ("image", "name") if key in attributes},
        },
        "time": event.get("time"),
        "timeNano": event.get("timeNano"),
    }
    if "Service" in event:
        slim["Service"] = event["Service"]
    elif event.get("Type") == "service":
        try:
            slim["Service"] = _slim_service(daemon.get(f"/services/{actor.get('ID')}"))
        except DaemonError as error:
            slim["problem"] = str(error)  # most likely it is gone already
    return slim


def _slim_service(raw: Any) -> dict[str, Any]:
    """A service without its environment, which may hold secrets."""
    return {
        "ID": raw.get("ID"),
        "UpdatedAt": raw.get("UpdatedAt"),
        "UpdateStatus": {"State": (raw.get("UpdateStatus") or {}).get("State")},
        "Spec": _slim_spec(raw.get("Spec") or {}),
        "PreviousSpec": _slim_spec(raw["PreviousSpec"]) if raw.get("PreviousSpec") else None,
    }


def _slim_spec(spec: dict[str, Any]) -> dict[str, Any]:
    labels = spec.get("Labels") or {}
    container = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    return {
        "Name": spec.get("Name"),
        "Labels": {STACK_IMAGE: labels[STACK_IMAGE]} if STACK_IMAGE in labels else {},
        "TaskTemplate": {"ContainerSpec": {"Image": container.get("Image")}},
    }
