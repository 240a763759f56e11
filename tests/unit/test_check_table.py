"""The table of docs/verification.md is the checks' own."""

from pathlib import Path

from ccci_host.check_table import PART, as_markdown, write
from ccci_host.checks import all_checks
from ccci_host.generated import part

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
