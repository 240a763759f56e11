"""The table of docs/verification.md is the checks' own."""

import json
from pathlib import Path

import pytest

from ccci_host import check_table
from ccci_host.check_table import PART, as_markdown, write
from ccci_host.checks import all_checks
from ccci_host.generated import part
from tests.folders import is_held

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"


def test_every_check_has_one_row() -> None:
    table = as_markdown()
    for item in all_checks():
        assert table.count(f"| `{item.name}` |") == 1
        assert item.sentence in table


def test_the_page_is_current() -> None:
    assert part(PART, as_markdown()) in PAGE.read_text(), "run `python -m ccci_host.check_table`"


def test_write_makes_it_current(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(part(PART, "old"))
    assert write(page)
    assert not write(page)


def test_write_holds_the_faults_from_before_it_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, faults = tmp_path / "page.md", tmp_path / "kept" / "faults.json"
    page.write_text(part(PART, "old"))
    faults.parent.mkdir()
    held: list[bool] = []

    def read(faults: Path) -> str:
        held.append(is_held(faults.parent))
        return as_markdown(faults)

    monkeypatch.setattr(check_table, "as_markdown", read)
    assert write(page, faults)
    assert held == [True]


def test_a_check_names_the_faults_that_it_was_seen_to_catch(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    rows = [
        {"name": name, "check": "timer-armed", "expected": expected, "as_expected": as_expected}
        for name, expected, as_expected in (
            ("stopped", "FAIL", True),
            ("masked", "FAIL", True),
            ("missed", "FAIL", False),
            ("harmless", "PASS", True),
        )
    ]
    faults.write_text(json.dumps(rows))
    [line] = [line for line in as_markdown(faults).splitlines() if "`timer-armed`" in line]
    assert line.endswith("| masked, stopped |")
