"""The daemon's raw answers, taken together: live, from a folder, into a folder.

An answer that could not be had stands in `problems` by its name, with the reason. Absent is not empty.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from .daemon import Daemon, DaemonError
from .problem import AgentError

LISTINGS = {
    "info": ("/info", None),
    "version": ("/version", None),
    "containers": ("/containers/json", {"all": 1}),
    "services": ("/services", {"status": "true"}),
    "tasks": ("/tasks", None),
    "images": ("/images/json", {"all": 1}),
}
"""Roots before images: an image that comes into use in between is then at worst held by nothing new."""

INSPECTS = "image_inspect"
EVENTS = "events"
PINS = "pins"


@dataclass
class Snapshot:
    """Raw answers by name, and why an answer is missing."""

    answers: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)


def take(daemon: Daemon, known: Optional[dict[str, Any]] = None) -> Snapshot:
    """The daemon's answers now. `known` inspect answers are used again: an image never changes under its id.

    What the daemon refuses is in `problems`; nothing is raised.
    """
    snapshot = Snapshot()
    for name, (path, query) in LISTINGS.items():
        try:
            snapshot.answers[name] = daemon.get(path, query)
        except DaemonError as error:
            snapshot.problems[name] = str(error)
    snapshot.answers[INSPECTS] = inspects = {}
    for image in _ids(snapshot.answers.get("images")):
        if known and image in known:
            inspects[image] = known[image]
            continue
        try:
            inspects[image] = daemon.get(f"/images/{image}/json")
        except DaemonError as error:
            inspects[image] = {"message": str(error)}
    return snapshot


def read(folder: str) -> Snapshot:
    """The snapshot in `folder`; raises `AgentError` when there is no such folder."""
    root = Path(folder)
    if not root.is_dir():
        raise AgentError(f"{folder} is no folder.")
    snapshot = Snapshot()
    for name in (*LISTINGS, INSPECTS, PINS):
        path = root / f"{name}.json"
        if name == PINS and not path.exists():
            continue
        try:
            snapshot.answers[name] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            snapshot.problems[name] = "there is no such file in the snapshot"
        except (OSError, ValueError) as error:
            snapshot.problems[name] = str(error)
    path = root / f"{EVENTS}.jsonl"
    if path.exists():
        try:
            snapshot.events, problem = parse_events(path.read_bytes())
        except OSError as error:
            problem = str(error)
        if problem:
            snapshot.problems[EVENTS] = problem
    return snapshot


def write(snapshot: Snapshot, folder: str) -> None:
    """Write the snapshot into `folder`, which must not exist yet; raises `AgentError` when it does.

    Environments of services, which may hold secrets, are left out: no decision needs them.
    """
    root = Path(folder)
    try:
        root.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise AgentError(f"{folder} exists already; name a new folder.") from None
    for name, answer in snapshot.answers.items():
        (root / f"{name}.json").write_text(
            json.dumps(_without_env(answer), indent=1) + "\n", encoding="utf-8"
        )
    lines = (json.dumps(event) + "\n" for event in snapshot.events)
    (root / f"{EVENTS}.jsonl").write_text("".join(lines), encoding="utf-8")


def parse_events(content: bytes) -> tuple[list[Any], str]:
    """Events, a JSON object a line, and what is wrong with them: the first line that is none is named.

    A last line that was cut off is left out without a word: whoever wrote it was not done.
    """
    events: list[Any] = []
    problem = ""
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip(b"\0 \r"):
            continue
        try:
            events.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                problem = problem or f"line {number} is no JSON"
    return events, problem


def _without_env(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: _without_env(value) for key, value in answer.items() if key != "Env"}
    return [_without_env(item) for item in answer] if isinstance(answer, list) else answer


def _ids(listing: Any) -> list[str]:
    if not isinstance(listing, list):
        return []
    return [item["Id"] for item in listing if isinstance(item, dict) and isinstance(item.get("Id"), str)]
