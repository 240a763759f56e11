import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ccci_host.lab.hub.access_log import AccessLog, Entry, LoggedApp, entry_of

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "headers": [(b"host", b"ghcr.io:443"), (b"User-Agent", b"docker/26")],
    "client": ("10.77.0.5", 4711),
}


def entry() -> Entry:
    return Entry("2026-01-01T00:00:00+00:00", "docker.io", None, "10.0.0.1", "GET")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(path: Path, app: Any, method: str = "GET") -> list[int]:
    """How many lines the log had when each message reached the client."""
    seen: list[int] = []

    async def receive() -> Message:
        raise AssertionError("nobody asks")

    async def send(message: Message) -> None:
        seen.append(len(lines(path)) if path.exists() else 0)

    asyncio.run(LoggedApp(app, AccessLog(path))({**SCOPE, "method": method}, receive, send))
    return seen


def answering(*pieces: bytes, length: int, ends: bool = True) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        entry_of(scope).kind = "layer"
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(length).encode())],
            }
        )
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if ends:
            await send({"type": "http.response.body", "body": b""})

    return app


def test_a_line_has_what_the_witness_needs(tmp_path: Path) -> None:
    run(tmp_path / "log", answering(b"abc", b"de", length=5))
    line = lines(tmp_path / "log")[0]
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "registry": "ghcr.io",
        "account": None,
        "source": "10.77.0.5",
        "method": "GET",
        "kind": "layer",
        "repository": None,
        "reference": None,
        "digest": None,
        "status": 200,
        "bytes": 5,
        "user_agent": "docker/26",
    }


def test_the_line_is_there_before_the_last_byte_is(tmp_path: Path) -> None:
    assert run(tmp_path / "log", answering(b"abc", b"de", length=5)) == [0, 0, 1, 1]


def test_an_answer_that_broke_off_counts_what_was_sent(tmp_path: Path) -> None:
    run(tmp_path / "log", answering(b"abc", length=10, ends=False))
    assert lines(tmp_path / "log")[0]["bytes"] == 3


def test_an_answer_to_head_has_no_bytes(tmp_path: Path) -> None:
    run(tmp_path / "log", answering(b"abc", length=3), method="HEAD")
    assert lines(tmp_path / "log")[0]["bytes"] == 0


def test_an_application_that_fails_leaves_a_line(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        run(tmp_path / "log", app)
    assert lines(tmp_path / "log")[0]["status"] == 0


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "log", limit=1000)
    for _ in range(50):
        log.write(entry())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]
    assert (tmp_path / "log").stat().st_size < 1500
    assert len(lines(tmp_path / "log")) + len(lines(tmp_path / "log.1")) < 50
