"""Use between two looks, however short: the daemon's events, written down as they happen.

The daemon remembers 256 events, health checks among them, and none over a restart; asked once an hour it has
forgotten. So `ccci-prune-watch.service` stays and appends what shows use to `events.jsonl` in the state
folder; a look folds the file into the ledger. It starts before dockerd and stops after it.

When it was not there, the daemon's buffer says whether anything was missed: a buffer that still holds the
last event that was written down holds all that followed. Where that cannot be shown a `gap` is written down,
and every image counts as used at that moment.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NoReturn, Optional

from . import paths, storage
from .daemon import Daemon, DaemonError
from .host import STACK_IMAGE
from .problem import AgentError
from .snapshot import read_events

BUFFER = 256
"""Events that the daemon remembers. Source: moby, daemon/events/events.go, `eventsLimit`."""

FILTERS = {
    "type": ["container", "image", "service"],
    "event": ["create", "start", "restart", "unpause", "die", "destroy", "pull", "update"],
}
RETRY = 1.0
"""Seconds between two tries to reach the daemon, or to write to a full disk."""

OPEN, CLOSED, CAUGHT, GAP = "open", "closed", "caught up", "gap"
"""Words between the events: the watcher follows the daemon; the daemon closed the stream; nobody watched and
a look caught up by itself; something may have been missed."""


@dataclass(frozen=True)
class Tail:
    """How the journal ends: the last event in it, and what the watcher last said of itself."""

    anchor: Optional[tuple[Any, str]] = None
    """`timeNano` and the actor's id of the last event."""
    said: str = ""
    boot: str = ""


class Journal:
    """`events.jsonl`: events of the daemon, a JSON object a line, and the watcher's own words."""

    def __init__(self, state: Path) -> None:
        self.path = state / paths.EVENTS_FILE
        self._lock = state / ".events.lock"

    def read(self) -> tuple[list[Any], str]:
        """All lines, and what is wrong with the file (empty when nothing is)."""
        return read_events(self.path) if self.path.exists() else ([], "")

    def append(self, events: Iterable[Any]) -> None:
        """Write `events` durably; raises `OSError`."""
        content = _lines(events)
        with self._locked(), self.path.open("ab") as file:
            before = file.tell()
            if before and not self._ends_whole():
                content = b"\n" + content  # the line before was cut off by a power cut
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), before)
                raise

    def settle(self, folded: list[Any]) -> None:
        """Drop the events `folded`, which the ledger holds, but for the last and the watcher's last word.

        What was caught up with, and is not in the file, comes into it that way. Raises `OSError`.
        """
        with self._locked():
            here, damage = self.read()
            known = {identity(event) for event in folded}
            news = [event for event in here if not damage and identity(event) not in known]
            events = [*folded, *news]
            last_event = max((n for n, event in enumerate(events) if not _is_word(event)), default=-1)
            last_word = max((n for n, event in enumerate(events) if _is_state(event)), default=-1)
            stay = (last_event, last_word, *range(len(folded), len(events)))
            kept = [event for number, event in enumerate(events) if number in stay]
            if kept != here or damage:
                storage.write(self.path, _lines(kept))

    def tail(self) -> Tail:
        """How the journal ends."""
        anchor, said, boot = None, "", ""
        for event in self.read()[0]:
            if _is_state(event):
                said, boot = str(event.get("Action")), str(event.get("boot"))
            elif not _is_word(event):
                anchor = identity(event)
        return Tail(anchor, said, boot)

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


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


def catch_up(tail: Tail, daemon: Daemon, now: float) -> list[Any]:
    """What to write into a journal with this tail, so that nothing is missed. Raises `DaemonError`."""
    buffer = buffered(daemon, now)
    boot = this_boot()
    why = missed(tail, buffer, boot)
    lines: list[Any] = [_word(GAP, now, boot, why)] if why else []
    since = tail.anchor[0] if tail.anchor is not None else 0
    fresh = [event for event in buffer if (event.get("timeNano") or 0) > since and _wanted(event)]
    return [_slim(event, daemon) for event in fresh] + lines


def buffered(daemon: Daemon, now: float) -> list[Any]:
    """The events that the daemon remembers, of every kind. Raises `DaemonError`."""
    response = daemon.open_events({"since": "1", "until": f"{now:.9f}"})
    return [json.loads(line) for line in response.read().splitlines() if line.strip()]


def somebody_watches(run: Path) -> bool:
    """Whether a watcher lives: it holds its lock."""
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


def watch(state: Path, run: Path, daemon: Daemon, say: Callable[[str], None]) -> NoReturn:
    """Write the daemon's events down for ever. Raises `AgentError` when another watcher lives."""
    run.mkdir(parents=True, exist_ok=True)
    lock = os.open(run / "watch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AgentError("Another watcher lives.") from None
    journal = Journal(state)
    writer = _Writer(journal, Daemon(daemon.path, daemon.timeout), say)
    writer.start()
    silent = False
    while True:
        try:
            _follow(journal, daemon, writer, say)
            silent = False
        except (DaemonError, OSError, ValueError) as error:
            if not silent:
                say(f"waiting reason={json.dumps(str(error), ensure_ascii=False)}")
            silent = True
        daemon.close()
        time.sleep(RETRY)


def _follow(journal: Journal, daemon: Daemon, writer: _Writer, say: Callable[[str], None]) -> None:
    """Catch up, then write down what happens until the daemon closes the stream."""
    tail = journal.tail()
    caught = catch_up(tail, daemon, time.time())
    for line in caught:
        if line.get("Action") == GAP:
            say(f"gap reason={json.dumps(line['reason'])}")
    stamps = [event["timeNano"] for event in caught if not _is_word(event) and "timeNano" in event]
    last = max([*stamps, tail.anchor[0] if tail.anchor else 0])
    stream = daemon.open_events({"since": f"{last // 10**9}.{last % 10**9:09d}", "filters": FILTERS})
    writer.put([*caught, _word(OPEN, time.time(), this_boot())])
    say("watching")
    while True:
        line = stream.readline()
        if not line:
            writer.put([_word(CLOSED, time.time(), this_boot())])
            writer.flush()
            say("closed reason=the-daemon-closed-the-stream")
            return
        event = json.loads(line)
        if (event.get("timeNano") or 0) > last:
            writer.put([event])


class _Writer(threading.Thread):
    """Writes events in its own time: neither a full disk nor a service's look-up keeps the stream waiting."""

    def __init__(self, journal: Journal, daemon: Daemon, say: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self._journal = journal
        self._daemon = daemon
        self._say = say
        self._queue: queue.Queue[list[Any]] = queue.Queue()

    def put(self, events: list[Any]) -> None:
        self._queue.put(events)

    def flush(self) -> None:
        """Wait until all is written."""
        self._queue.join()

    def run(self) -> None:
        while True:
            batches = [self._queue.get()]
            while not self._queue.empty():
                batches.append(self._queue.get_nowait())
            events = [
                event if _is_word(event) else _slim(event, self._daemon) for b in batches for event in b
            ]
            self._write(events)
            for _ in batches:
                self._queue.task_done()

    def _write(self, events: list[Any]) -> None:
        said = False
        while True:
            try:
                self._journal.append(events)
            except OSError as error:
                if not said:
                    full = error.errno == errno.ENOSPC
                    self._say(f"waiting reason={'disk-full' if full else json.dumps(str(error))}")
                said = True
                time.sleep(RETRY)
            else:
                return


def identity(event: Any) -> tuple[Any, str]:
    """What tells one event of a daemon from another."""
    actor = (event.get("Actor") or {}).get("ID") or event.get("id") or event.get("Action")
    return event.get("timeNano") or event.get("time"), str(actor)


def this_boot() -> str:
    """What tells this boot from another, in containers too, where the kernel's boot id stays the same."""
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        first = Path("/proc/1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{kernel}/{first}"


def _lines(events: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in events)


def gap(now: float, reason: str) -> dict[str, Any]:
    """The word for a stretch of time in which use may have gone unseen."""
    return _word(GAP, now, this_boot(), reason)


def caught_up(now: float) -> dict[str, Any]:
    """The word of a look that caught up by itself, because nobody watched."""
    return _word(CAUGHT, now, this_boot())


def _word(action: str, now: float, boot: str, reason: str = "") -> dict[str, Any]:
    return {"Type": "watch", "Action": action, "time": now, "boot": boot, "reason": reason}


def _is_word(event: Any) -> bool:
    return bool(event.get("Type") == "watch")


def _is_state(event: Any) -> bool:
    return _is_word(event) and event.get("Action") in (OPEN, CLOSED, CAUGHT)


def _wanted(event: Any) -> bool:
    return event.get("Type") in FILTERS["type"] and event.get("Action") in FILTERS["event"]


def _slim(event: Any, daemon: Daemon) -> dict[str, Any]:
    """What a look needs of an event. A service's spec comes with it, for it may be gone at the next look."""
    attributes = (event.get("Actor") or {}).get("Attributes") or {}
    slim = {
        "Type": event.get("Type"),
        "Action": event.get("Action"),
        "Actor": {
            "ID": (event.get("Actor") or {}).get("ID"),
            "Attributes": {key: attributes[key] for key in ("image", "name") if key in attributes},
        },
        "time": event.get("time"),
        "timeNano": event.get("timeNano"),
    }
    if event.get("Type") == "service" and "Service" not in event:
        try:
            slim["Service"] = _slim_service(daemon.get(f"/services/{slim['Actor']['ID']}"))
        except DaemonError:
            pass  # it is gone already, or the daemon is; the event alone says nothing of an image
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
