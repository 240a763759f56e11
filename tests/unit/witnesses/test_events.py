"""The daemon's events: between two points of its own clock, and whether some were lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccci_host.witnesses.events import BUFFER, WITNESS, parse
from ccci_host.witnesses.program import source
from tests.fakes import completed
from tests.unit.programs import OURS, interpreters, run
from tests.unit.transport.unix_http import daemon, http_answer
from tests.unit.witnesses.scripted import machine_answering


def event(kind: str = "image", action: str = "pull") -> dict[str, Any]:
    return {"at": 2.0, "type": kind, "action": action, "id": "app:1@sha256:d", "name": "app"}


def test_the_stretch_begins_at_the_hosts_clock() -> None:
    machine, asked = machine_answering({"events": {"clock": 7.5, "events": [event(), event("container")]}})
    seen = WITNESS.begin(machine).end("deploy", 1)
    assert [payload["since"] for _, payload in asked] == [None, 7.5]
    assert (seen.since, seen.until) == (7.5, 7.5)
    assert [entry.id for entry in seen.events] == ["app:1@sha256:d"]
    assert (seen.total, seen.lost, seen.problem) == (2, False, None)


@pytest.mark.parametrize(("count", "lost"), [(BUFFER - 1, False), (BUFFER, True), (BUFFER + 40, True)])
def test_a_full_buffer_may_have_lost_some(count: int, lost: bool) -> None:
    assert parse({"clock": 9.0, "events": [event("exec")] * count}, 1.0, "deploy", 1).lost is lost


def test_what_could_not_be_read_is_neither_lost_nor_not() -> None:
    seen = parse({"clock": 9.0, "problem": "refused"}, 1.0, "deploy", 1)
    assert (seen.lost, seen.problem) == (None, "refused")


def test_a_program_that_fails_is_a_problem_and_no_exception() -> None:
    machine, _ = machine_answering({"events": completed(stderr="Killed", exit_code=137)})
    assert "137" in (WITNESS.begin(machine).end("deploy", 1).problem or "")


def test_the_program_asks_the_daemon_up_to_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = {"ID": "app:1", "Attributes": {"name": "app", "exitCode": "137"}}
    wire = {"timeNano": 1_500_000_000, "Type": "container", "Action": "die", "Actor": actor}
    lines = b"\n".join(json.dumps(one).encode() for one in (wire, {"Type": "daemon", "Action": "reload"}))
    socket = tmp_path / "docker.sock"
    monkeypatch.setattr("time.time", lambda: 9.25)
    asks = "GET /events?since=1.000000000&until=9.250000000"
    with daemon(socket, {asks: http_answer(lines)}):
        said = run(OURS, source("events"), {"socket": str(socket), "since": 1.0})
    assert said == {
        "clock": 9.25,
        "events": [
            {
                "at": 1.5,
                "type": "container",
                "action": "die",
                "id": "app:1",
                "name": "app",
                "exit_code": 137,
            },
            {"at": 0.0, "type": "daemon", "action": "reload", "id": "", "name": "", "exit_code": None},
        ],
    }


@pytest.mark.parametrize("python", interpreters())
def test_the_program_says_when_the_daemon_is_down(python: str, tmp_path: Path) -> None:
    said = run(python, source("events"), {"socket": str(tmp_path / "no.sock"), "since": 1.0})
    assert "FileNotFoundError" in said["problem"]
    assert "events" not in said
