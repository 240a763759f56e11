"""A history goes to disk line by line, and comes back with whatever is wrong with its file."""

import hashlib
from pathlib import Path

import pytest

from ccci_host import records
from ccci_host.errors import CcciError, NotFoundError
from ccci_host.journal import Journal, parse_history, read_history


def write(path: Path, *events: records.Event) -> bytes:
    with Journal(path) as journal:
        for event in events:
            journal.write(event)
    return path.read_bytes()


WHOLE = (
    records.PhaseBegan(phase="deploy"),
    records.StoreSeen(
        moment="deployed",
        store="classic",
        images=(records.StoredImage(id="sha256:a", references=("r@sha256:d",), layers=("k",), size=7),),
        layers=(records.StoredLayer(key="k", size=5, changed_at=1.25, blobs=("sha256:b",)),),
    ),
    records.PlanSeen(moment="start", simulated_percent=99.0, gates={"lease": {"held": True}}),
    records.Finished(outcome="done"),
)


def test_what_is_written_comes_back_as_it_was(tmp_path: Path) -> None:
    content = write(tmp_path / "run" / "history.jsonl", *WHOLE)
    history = read_history(tmp_path / "run" / "history.jsonl")
    assert tuple(entry.event for entry in history.entries) == WHOLE
    assert [entry.seq for entry in history.entries] == [1, 2, 3, 4]
    assert history.sha256 == hashlib.sha256(content).hexdigest()
    assert history.problems == ()
    assert history.complete


def test_each_record_is_on_disk_before_the_next_thing_is_done(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    journal = Journal(path)
    journal.write(WHOLE[0])
    assert len(read_history(path).entries) == 1
    journal.close()


def test_a_listener_hears_every_entry(tmp_path: Path) -> None:
    heard: list[records.Entry] = []
    with Journal(tmp_path / "history.jsonl", listener=heard.append) as journal:
        journal.write(WHOLE[0])
    assert [entry.event for entry in heard] == [WHOLE[0]]


def test_a_history_is_never_written_twice(tmp_path: Path) -> None:
    write(tmp_path / "history.jsonl", *WHOLE)
    with pytest.raises(CcciError, match="holds a history already"):
        Journal(tmp_path / "history.jsonl")


def test_a_history_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no history at"):
        read_history(tmp_path / "history.jsonl")


def test_a_last_line_that_is_cut_off_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    content = write(tmp_path / "history.jsonl", *WHOLE)
    history = parse_history(content[:-20])
    assert len(history.entries) == 3
    assert history.problems[0] == "the last line is cut off"
    assert history.problems[1].startswith("line 4 is no record")
    assert not history.complete


def test_a_whole_last_line_without_its_end_is_said(tmp_path: Path) -> None:
    content = write(tmp_path / "history.jsonl", *WHOLE)
    history = parse_history(content[:-1])
    assert len(history.entries) == 4
    assert history.problems == ("the last line is cut off",)


def test_a_line_taken_out_is_said(tmp_path: Path) -> None:
    lines = write(tmp_path / "history.jsonl", *WHOLE).splitlines(keepends=True)
    history = parse_history(b"".join(lines[:1] + lines[2:]))
    assert history.problems[0] == "line 2 calls itself 3: lines are missing or were added"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"seq":1,"at":"2026-03-01T12:00:00+00:00","kind":"telepathy"}',
        b"[]",
        b"null",
        b"{}",
        b'{"seq":1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"seq":1,"at":"yesterday","kind":"note","text":""}',
        b'{"seq":1,"at":"2026-03-01T12:00:00","kind":"note","text":""}',
        b'{"seq":1,"at":"2026-03-01T12:00:00+01:00","kind":"note","text":""}',
        b'{"seq":1,"at":7,"kind":"note","text":""}',
        b'{"seq":1,"at":"2026-03-01T12:00:00+00:00","kind":"note","text":"\\uD800"}',
        b'{"seq":1,"at":"2026-03-01T12:00:00+00:00","kind":"noise","seconds":NaN}',
        b'{"seq":1,"at":"2026-03-01T12:00:00+00:00","kind":"noise","seconds":-Infinity}',
    ],
)
def test_a_line_that_means_nothing_is_a_problem_and_no_crash(raw: bytes) -> None:
    history = parse_history(raw + b"\n")
    assert history.entries == ()
    assert history.problems[0].startswith("line 1 is no record")


def test_a_character_in_two_halves_is_one() -> None:
    raw = rb'{"seq":1,"at":"2026-03-01T12:00:00+00:00","kind":"note","text":"\ud83d\ude00"}'
    [entry] = parse_history(raw + b"\n").entries
    assert entry.event == records.Note(text="\U0001f600")


def test_an_empty_history_is_whole_as_a_file_and_not_complete() -> None:
    history = parse_history(b"")
    assert history.problems == ()
    assert not history.complete
