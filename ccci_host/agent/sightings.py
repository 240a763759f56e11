"""What the daemon's events tell of use, and whether any of them were missed.

The daemon remembers 256 events, health checks among them, and none over a restart; asked once an hour it has
forgotten. So a watcher (`watch`) stays and appends what shows use to the journal of events; a look folds that
into the ledger.

When the watcher was not there, the daemon's buffer says whether anything was missed: a buffer that still
holds the last event that was seen holds all that followed. Where that cannot be shown a `gap` is written
down, and every image counts as used at that moment.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import Any

from . import storage
from .daemon import Daemon, DaemonError
from .host import STACK_IMAGE
from .journal import CAUGHT, CLOSED, GAP, OPEN, Tail, identity, word

BUFFER = 256
"""Events that the daemon remembers. Source: moby, daemon/events/events.go, `eventsLimit`."""

TELLING = {
    "container": ("create", "start", "restart", "unpause", "die", "destroy"),
    "image": ("pull",),
    "service": ("create", "update"),
}
"""The events that show use."""


def missed(tail: Tail, buffer: list[Any], boot: str) -> str:
    """Why events may have been missed since the journal's tail; empty when it is shown that none were."""
    if not tail.said:
        return "nobody watched before"
    if tail.anchor is not None and tail.anchor in {identity(event) for event in buffer}:
        return ""
    if len(buffer) >= BUFFER:
        return f"more than {BUFFER} events passed while nobody watched"
    # The last event is not in a buffer that never overran: the daemon has started anew since. A watcher that
    # was there to the daemon's end, or to the machine's, has seen all before; to the machine's it may have
    # had lines in hand that it could not write.
    if tail.said == CLOSED or (tail.said == OPEN and tail.boot != boot and tail.complete):
        return ""
    return "the daemon started anew while nobody watched"


def catch_up(tail: Tail, buffer: list[Any], daemon: Daemon, now: float, boot: str) -> list[Any]:
    """The lines to add to a journal with this tail, so that nothing of the daemon's `buffer` is missed."""
    why = missed(tail, buffer, boot)
    seen = [number for number, event in enumerate(buffer) if identity(event) == tail.anchor]
    news = buffer[seen[-1] + 1 :] if seen else buffer
    lines = [slim(event, daemon) for event in news if tells(event)]
    if why:
        lines.append(word(GAP, now, boot, reason=why))
    anchor = identity(buffer[-1]) if buffer else tail.anchor
    return [*lines, word(CAUGHT, now, boot, anchor=anchor)]


def buffered(daemon: Daemon, now: float) -> list[Any]:
    """The events that the daemon remembers, of every kind. Raises `DaemonError`."""
    try:
        with daemon.open_events({"since": "1", "until": f"{now:.9f}"}) as answer:
            return [json.loads(line) for line in answer if line.strip()]
    except (OSError, ValueError) as error:
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


def tells(event: Any) -> bool:
    """Whether an event shows use."""
    return event.get("Action") in TELLING.get(str(event.get("Type")), ())


def slim(event: Any, daemon: Daemon) -> dict[str, Any]:
    """What a look needs of an event. A service's spec comes with it, for it may be gone at the next look."""
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    told = {
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
        told["Service"] = event["Service"]
    elif event.get("Type") == "service":
        try:
            told["Service"] = _slim_service(daemon.get(f"/services/{actor.get('ID')}"))
        except DaemonError as error:
            told["problem"] = str(error)  # most likely it is gone already
    return told


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
