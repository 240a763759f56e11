"""Generated parts between markers; every other word stays."""

import os
from pathlib import Path

import pytest

from ccci_host import generated
from ccci_host.errors import CcciError, NotFoundError
from ccci_host.generated import part, read_file, refresh, replace_file, with_part
from tests.folders import is_held

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


def test_refresh_holds_the_folder_from_before_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.md"
    path.write_text(TEXT)
    held: list[bool] = []

    def read(path: Path) -> str:
        held.append(is_held(path.parent))
        return read_file(path)

    def replace(path: Path, text: str) -> None:
        held.append(is_held(path.parent))
        replace_file(path, text)

    monkeypatch.setattr(generated, "read_file", read)
    monkeypatch.setattr(generated, "replace_file", replace)
    assert refresh(path, "status", "new")
    assert held == [True, True]
    assert not is_held(tmp_path)


def test_two_that_write_at_once_do_not_share_an_unfinished_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.md"
    replaced = Path.replace

    def overtaken(unfinished: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replaced)
        replace_file(path, "the other's")
        assert path.read_text() == "the other's"
        return replaced(unfinished, target)

    monkeypatch.setattr(Path, "replace", overtaken)
    replace_file(path, "mine")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_replaced_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "file.md", "Grüße\n")
    finally:
        os.umask(before)
    assert (tmp_path / "file.md").read_bytes() == "Grüße\n".encode()
    assert (tmp_path / "file.md").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_replaced_is_said_and_leaves_nothing_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "file.md"
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(CcciError, match="could not be written") as refused:
        replace_file(path, "text")
    assert str(tmp_path) in refused.value.resolution
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_takes_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CcciError, match="could not be written"):
        replace_file(tmp_path / "absent" / "file.md", "text")


def test_what_breaks_off_amid_writing_leaves_nothing_unfinished(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        replace_file(tmp_path / "file.md", "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no file\.md in") as absent:
        read_file(tmp_path / "file.md")
    (tmp_path / "file.md").write_bytes(b"\xff")
    with pytest.raises(CcciError, match="cannot be read") as no_text:
        read_file(tmp_path / "file.md")
    with pytest.raises(CcciError, match="cannot be read") as folder:
        read_file(tmp_path)
    assert all(error.value.resolution for error in (absent, no_text, folder))
