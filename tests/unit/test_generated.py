"""Generated parts between markers; every other word stays."""

from pathlib import Path

import pytest

from ccci_host.errors import CcciError
from ccci_host.generated import part, refresh, with_part

TEXT = f"Mine.\n\n{part('status', 'old')}\n\nMine too: ## DONE or not.\n"


def test_only_the_part_changes() -> None:
    assert with_part(TEXT, "status", "new\n") == TEXT.replace("old", "new")


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        TEXT.replace("<!-- generated: status -->", ""),
        TEXT.replace("<!-- end of generated: status -->", ""),
        TEXT + TEXT,
        "<!-- end of generated: status -->\n<!-- generated: status -->",
    ],
)
def test_without_its_markers_nothing_is_written(text: str) -> None:
    with pytest.raises(CcciError, match="not there, or not once"):
        with_part(text, "status", "new")


def test_another_part_is_left_alone() -> None:
    both = TEXT + part("journal", "lines")
    assert "lines" in with_part(both, "status", "new")


def test_refresh_says_whether_it_changed_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.md"
    path.write_text(TEXT)
    assert refresh(path, "status", "new")
    assert not refresh(path, "status", "new")
    assert path.read_text() == TEXT.replace("old", "new")
    assert list(tmp_path.iterdir()) == [path]
