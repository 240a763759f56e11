"""The access log: one JSON line a request. It is a witness, so it says what was really sent.

A line is written before the last byte of its answer is handed to the client: who has the answer finds the
line.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccci_host.lab.hub.faults import Kind

LIMIT = 64 * 1024 * 1024
"""Bytes after which the log moves to `NAME.1` and begins anew."""

SCOPE_KEY = "ccci.entry"


@dataclass(slots=True)
class Entry:
    """A request and its answer. `bytes` counts the answer's body only."""

    time: str
    registry: str
    account: str | None
    source: str
    method: str
    kind: Kind = "other"
    repository: str | None = None
    reference: str | None = None
    digest: str | None = None
    status: int = 0
    bytes: int = 0
    user_agent: str = ""


class AccessLog:
    """Appends entries to a file of bounded size."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit

    def write(self, entry: Entry) -> None:
        """Append one line, and leave it with the kernel before returning."""
        if self._path.exists() and self._path.stat().st_size >= self._limit:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry)) + "\n")


class LoggedApp:
    """An ASGI application whose every answer leaves a line in the log.

    The application finds its `Entry` in the scope and fills in what it learns.
    """

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application and write the line, also when the answer breaks off."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        entry = _begin(scope)
        scope[SCOPE_KEY] = entry
        answer = _Answer(entry, self._log, send)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            answer.write_line()


class _Answer:
    def __init__(self, entry: Entry, log: AccessLog, send: Send) -> None:
        self._entry = entry
        self._log = log
        self._send = send
        self._expected: int | None = None
        self._written = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._entry.status = message["status"]
            headers = {name.lower(): value for name, value in message["headers"]}
            length = headers.get(b"content-length")
            self._expected = None if length is None or self._entry.method == "HEAD" else int(length)
        elif message["type"] == "http.response.body":
            if self._entry.method != "HEAD":  # the server drops the body of an answer to HEAD
                self._entry.bytes += len(message.get("body", b""))
            if not message.get("more_body", False) or self._entry.bytes == self._expected:
                self.write_line()
        await self._send(message)

    def write_line(self) -> None:
        if not self._written:
            self._written = True
            self._log.write(self._entry)


def entry_of(scope: Any) -> Entry:
    """The log entry of the request with this ASGI scope."""
    entry = scope[SCOPE_KEY]
    assert isinstance(entry, Entry)  # noqa: S101 - LoggedApp put it there
    return entry


def _begin(scope: Scope) -> Entry:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    return Entry(
        time=dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        registry=headers.get(b"host", "").partition(":")[0],
        account=None,
        source=client[0] if client else "",
        method=scope["method"],
        user_agent=headers.get(b"user-agent", ""),
    )
