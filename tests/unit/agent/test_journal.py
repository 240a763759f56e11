"""The journal of events: in order, on a full disk, after a power cut, and when it is full itself."""

import errno
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccci_host.agent.journal import (
    GAP,
    OPEN,
    SIZE,
    STOPPED,
    TORN,
    Journal,
    Tail,
    essence,
    identity,
    tail_of,
    word,
)
from ccci_host.agent.ledger import Ledger
from ccci_host.agent.look import look
from tests.unit.agent.hosts import HOUR, START, FakeHost, Story, by_digest, event

EVENTS = [event(number) for number in range(10)]
SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def numbers(lines: list[Any]) -> list[int]:
    """Which of `EVENTS` these lines are."""
    return [round(line["time"] - START) for line in lines if line["Type"] != "watch"]


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_journal_keeps_lines_in_order(journal: Journal) -> None:
    journal.append([word(OPEN, START, "boot")])
    journal.append(EVENTS[:2])
    journal.append(EVENTS[2:4])
    lines, damage = journal.read()
    assert not damage
    assert numbers(lines) == [0, 1, 2, 3]
    assert journal.tail() == Tail(identity(EVENTS[3]), OPEN, "boot")


def test_settling_drops_what_the_ledger_holds_but_for_the_anchor(journal: Journal) -> None:
    journal.append([word(OPEN, START, "boot"), *EVENTS[:5]])
    folded, _ = journal.read()
    journal.append(EVENTS[5:7])
    journal.settle(folded)
    left, _ = journal.read()
    assert numbers(left) == [5, 6]
    journal.settle(left)
    left, _ = journal.read()
    assert left == [word(OPEN, START, "boot"), EVENTS[6]]
    assert journal.tail() == Tail(identity(EVENTS[6]), OPEN, "boot")


def test_no_write_asks_for_space_once_the_journal_is_made(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(EVENTS[:1])
    blocks = journal.path.stat().st_blocks
    assert blocks * 512 >= SIZE
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    for number in range(1, 8):
        journal.append([EVENTS[number]])
        folded, _ = journal.read()
        assert journal.path.stat().st_size == SIZE
        assert journal.path.stat().st_blocks == blocks
        if number % 3 == 0:
            journal.settle(folded)
    assert numbers(journal.read()[0]) == [6, 7]


def test_where_no_space_can_be_reserved_lines_are_written_as_long_as_they_fit(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "posix_fallocate", no_space)
        journal.append(EVENTS[:2])
        journal.append(EVENTS[2:4])
    assert journal.path.stat().st_size < SIZE
    assert numbers(journal.read()[0]) == [0, 1, 2, 3]
    journal.append(EVENTS[4:5])
    assert journal.path.stat().st_size == SIZE, "the space is reserved as soon as there is some"
    assert numbers(journal.read()[0]) == [0, 1, 2, 3, 4]


def test_a_write_that_fails_leaves_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append(EVENTS[:2])
    with monkeypatch.context() as ill:
        ill.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space"):
            journal.append(EVENTS[2:4])
    assert numbers(journal.read()[0]) == [0, 1]
    journal.append(EVENTS[4:5])
    lines, damage = journal.read()
    assert not damage
    assert numbers(lines) == [0, 1, 4]


@pytest.mark.parametrize("seed", range(30))
def test_a_power_cut_costs_what_was_not_yet_synced_and_shows(journal: Journal, seed: int) -> None:
    """Of a write that was under way any sectors may have reached the disk, in any order."""
    mix = random.Random(seed)
    journal.append(EVENTS[:3])
    before = journal.path.read_bytes()
    journal.append(EVENTS[3:9])
    after = journal.path.read_bytes()
    torn = bytearray(before)
    changed = [at for at in range(0, SIZE, SECTOR) if before[at : at + SECTOR] != after[at : at + SECTOR]]
    for at in mix.sample(changed, mix.randrange(len(changed) + 1)):
        torn[at : at + SECTOR] = after[at : at + SECTOR]
    journal.path.write_bytes(torn)

    lines, damage = journal.read()
    assert numbers(lines) == list(range(len(lines))), "a beginning, whole lines only"
    assert len(lines) >= 3, "nothing that was synced is lost"
    assert damage == ("" if torn in (before, after) else TORN)
    journal.append(EVENTS[9:])
    healed, still = journal.read()
    assert not still
    assert healed[-1] == EVENTS[9]
    gaps = [line["reason"] for line in healed if line["Type"] == "watch"]
    assert gaps == ([damage] if damage else [])


def test_settling_heals_a_torn_journal(journal: Journal) -> None:
    journal.append(EVENTS[:2])
    content = bytearray(journal.path.read_bytes())
    content[SECTOR * 8] = ord("x")
    journal.path.write_bytes(content)
    folded, damage = journal.read()
    assert damage == TORN
    journal.settle(folded)
    assert journal.read() == (EVENTS[1:2], "")


def test_a_line_that_was_damaged_is_told_and_the_others_are_read(journal: Journal) -> None:
    journal.append(EVENTS[:3])
    journal.path.write_bytes(journal.path.read_bytes().replace(b'"c1"', b'"c1\x01', 1))
    lines, damage = journal.read()
    assert numbers(lines) == [0, 2]
    assert damage == "line 2 is no JSON"


def test_a_journal_that_cannot_be_read_says_so(journal: Journal) -> None:
    journal.path.mkdir(parents=True)
    lines, damage = journal.read()
    assert not lines
    assert "directory" in damage


def crash(number: int, image: int) -> dict[str, Any]:
    """A container of one of many images that ends once more."""
    seen = event(number, action="die")
    seen["Actor"]["Attributes"]["image"] = f"org/app:{image}"
    return seen


def test_a_crash_loop_does_not_fill_the_journal(journal: Journal) -> None:
    journal.append([word(OPEN, START, "boot"), event(0, "image", "pull")])
    for hour in range(12):
        journal.append([crash(1000 * hour + n, n % 40) for n in range(1000)])
    lines, damage = journal.read()
    assert not damage
    assert journal.path.stat().st_size == SIZE
    assert not [line for line in lines if line["Action"] == GAP]
    assert {line["Actor"]["ID"] for line in lines if line["Action"] == "pull"} == {"c0"}
    assert lines[-1] == crash(11_999, 11_999 % 40)
    assert journal.tail() == Tail(identity(lines[-1]), OPEN, "boot")


def test_more_than_a_full_journal_can_say_is_a_gap(journal: Journal) -> None:
    journal.append([word(OPEN, START, "boot")])
    for part in range(10):
        journal.append([event(1000 * part + n, "image", "pull") for n in range(1000)])
    lines, damage = journal.read()
    assert not damage
    assert journal.path.stat().st_size == SIZE
    assert [line["reason"] for line in lines if line["Action"] == GAP] == ["the journal of events was full"]
    assert lines[-1]["Actor"]["ID"] == "c9999"
    assert journal.tail() == Tail(identity(lines[-1]), OPEN, "boot")


happenings = st.lists(
    st.tuples(
        st.sampled_from(["start", "die", "pull by tag", "pull by digest", "deploy", "gap"]), st.integers(0, 2)
    ),
    min_size=1,
    max_size=12,
)


@given(happened=happenings)
def test_what_the_essence_leaves_out_changes_no_fate(happened: list[tuple[str, int]]) -> None:
    story = Story()
    for number in range(3):
        story.host.image(f"i{number}", tags=(f"org/app:{number}",), pulled=(f"org/app:{number}",))
    story.look()
    events = [line(story.host, story.now + 60 * n, *what) for n, what in enumerate(happened, start=1)]
    assert tail_of(essence(events)) == tail_of(events)
    ledgers: list[Ledger] = []
    for lines in (events, essence(events)):
        story.host.events = lines
        ledgers.append(look(story.ledger, story.host.host(), story.now + HOUR, trusted=True))
    whole, short = ledgers
    for image, entry in whole.images.items():
        other = short.images[image]
        assert (other.used, other.wanted, bool(other.origin)) == (
            entry.used,
            entry.wanted,
            bool(entry.origin),
        )
    assert short.folded == whole.folded
    for tag in (*whole.tags, *short.tags):
        assert short.meanings(tag) == whole.meanings(tag)


def line(host: FakeHost, moment: float, what: str, number: int) -> dict[str, Any]:
    """A line of a journal."""
    tag = f"org/app:{number}"
    if what == "gap":
        return word(GAP, moment, "boot", reason="nobody watched")
    host.events = []
    if what == "deploy":
        host.event("service", "create", f"s{number}", moment)
        image = by_digest(tag, f"i{number}")
        spec = {"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": image}}}
        host.events[-1]["Service"] = {"ID": f"s{number}", "UpdatedAt": "", "Spec": spec}
    elif what.startswith("pull"):
        host.event("image", "pull", tag if what == "pull by tag" else by_digest(tag, f"i{number}"), moment)
    else:
        host.event("container", what, f"c{moment}", moment, image=tag)
    made: dict[str, Any] = json.loads(json.dumps(host.events[-1]))
    return made


def test_the_essence_keeps_the_last_word_on_who_watches() -> None:
    lines = [word(OPEN, START, "b"), *EVENTS[:3], word(STOPPED, START + 9, "b", anchor=identity(EVENTS[2]))]
    assert essence(lines) == [EVENTS[2], lines[-1]]
