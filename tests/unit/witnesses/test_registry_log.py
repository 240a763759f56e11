"""The registry's log is read from where it ended, for one host, without the suite's own requests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from ccci_host.transport.machine import Instance, Machine
from ccci_host.witnesses.registry_log import WITNESS, parse
from tests.fakes import FakeExecutor
from tests.unit.machines import host_table
from tests.unit.witnesses.scripted import Counter


def line(**fields: Any) -> bytes:
    usual = {
        "time": "2026-01-01T00:00:00Z",
        "registry": "docker.io",
        "account": None,
        "source": "10.0.0.2",
        "method": "GET",
        "kind": "manifest",
        "repository": "library/app",
        "reference": "1.0",
        "digest": None,
        "status": 200,
        "bytes": 12,
        "user_agent": "docker/26",
    }
    return json.dumps({**usual, **fields}).encode() + b"\n"


def machine(log: Path | None) -> Machine:
    tables = {"registry": {"access_log": str(log)}} if log else {}
    return Machine("ci", host_table(**tables), cast(Instance, Counter()), FakeExecutor())


def test_only_what_was_written_during_the_stretch_counts(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    log.write_bytes(line(reference="before"))
    stretch = WITNESS.begin(machine(log))
    with log.open("ab") as more:
        more.write(line(reference="during", account="me"))
    seen = stretch.end("deploy", 1)
    assert [(request.reference, request.account) for request in seen.requests] == [("during", "me")]
    assert seen.source == "10.0.0.2, fd42::1:5"
    assert seen.problem is None


def test_others_are_counted_and_left_out_and_so_is_the_suite() -> None:
    content = line() + line(source="10.0.0.9") + line(user_agent="ccci-host")
    seen = parse(content, ("10.0.0.2",), "deploy", 1)
    assert (len(seen.requests), seen.others) == (1, 1)


@pytest.mark.parametrize("source", ["10.0.0.2", "::ffff:10.0.0.2", "fd42::1:5", "fd42:0:0::1:0005"])
def test_the_host_is_known_by_each_of_its_addresses(source: str) -> None:
    seen = parse(line(source=source), ("10.0.0.2", "fd42::1:5"), "deploy", 1)
    assert (len(seen.requests), seen.others) == (1, 0)


def test_no_request_is_an_answer() -> None:
    assert parse(b"", ("10.0.0.2",), "redeploy", 1).problem is None


def test_a_line_that_is_no_record_is_a_problem() -> None:
    for bad in (b"garbage\n", line(status="many"), line(kind="telepathy"), b"[]\n", line()[:-20]):
        seen = parse(line() + bad, ("10.0.0.2",), "deploy", 1)
        assert seen.problem is not None
        assert len(seen.requests) == 1


def emptied(log: Path) -> None:
    log.write_bytes(b"")


def written_anew(log: Path) -> None:
    log.write_bytes(line(reference="other") * 9)


def replaced(log: Path) -> None:
    content = log.read_bytes()
    log.unlink()
    log.write_bytes(content + line())


@pytest.mark.parametrize(
    ("harm", "word"), [(emptied, "truncated"), (written_anew, "truncated"), (replaced, "replaced")]
)
def test_a_log_that_was_cut_or_replaced_in_between_says_nothing(
    harm: Callable[[Path], None], word: str, tmp_path: Path
) -> None:
    log = tmp_path / "access.jsonl"
    log.write_bytes(line() * 2)
    stretch = WITNESS.begin(machine(log))
    harm(log)
    seen = stretch.end("deploy", 1)
    assert seen.problem == f"the registry's log was {word} in between"
    assert seen.requests == ()


def test_a_log_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    assert "cannot be read" in (WITNESS.begin(machine(log)).end("deploy", 1).problem or "")
    log.write_bytes(b"")
    stretch = WITNESS.begin(machine(log))
    log.unlink()
    assert "cannot be read" in (stretch.end("deploy", 1).problem or "")


def test_a_host_without_a_log_of_its_registry_says_so() -> None:
    assert "names no registry log" in (WITNESS.begin(machine(None)).end("deploy", 1).problem or "")
