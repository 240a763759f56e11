"""Table and picture say what was measured."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ccci_host.errors import CcciError
from ccci_host.generated import part
from ccci_host.lab.replay.campaign import Campaign
from ccci_host.lab.replay.page import page
from ccci_host.lab.replay.picture import picture
from ccci_host.lab.replay.replay import PAGE, PART, PICTURE, record
from tests.folders import is_held
from tests.unit.lab.replay.campaigns import campaigns

DAY = date(2026, 11, 25)
SVG = "{http://www.w3.org/2000/svg}"


def test_a_row_a_campaign() -> None:
    text = page(campaigns(), DAY, "picture.svg")
    rows = [line for line in text.splitlines() if line.startswith(("| classic", "| containerd"))]
    assert len(rows) == 8
    assert rows[0].endswith("| 1 | 27 MB | 20 | 2 | 91 % | 1 of 6 |")
    assert rows[3] == "| classic | **`ccci-prune`** | 0 | 0 MB | 20 | 0 | 60 % | 0 of 6 |"
    assert "Played on 2026-11-25" in text
    assert "2 nights, Docker 26.1.5" in text
    assert "![" in text.splitlines()[-1] and text.endswith("(picture.svg)")


def test_the_picture_shows_each_policy_on_each_store() -> None:
    root = ElementTree.fromstring(picture(campaigns()))
    curves = [line.get("class") for line in root.iter(f"{SVG}polyline")]
    assert curves == ["everything", "dangling", "nothing", "ours"] * 2
    bars = [bar.get("class") for bar in root.iter(f"{SVG}rect") if bar.get("class")]
    assert bars == ["bar everything"] * 2
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert texts.count("×1") == 2
    assert "classic store" in texts and "containerd store" in texts
    assert texts.count("27 MB") == 2


def test_the_picture_stays_in_its_frame() -> None:
    root = ElementTree.fromstring(picture(campaigns()))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for element in root.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y2", height)):
            assert 0 <= float(element.get(name, 0)) <= limit


def test_it_is_written_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(f"Mine.\n\n{part(PART, 'old')}\n\nMine too.\n")
    record(campaigns(), tmp_path, DAY)
    text = (tmp_path / PAGE).read_text()
    assert text.startswith("Mine.\n") and text.endswith("Mine too.\n")
    assert "| classic | no pruning |" in text and "old" not in text
    assert (tmp_path / PICTURE).read_text() == picture(campaigns())


def test_table_and_picture_are_of_one_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PAGE).write_text(part(PART, "old"))
    held: list[bool] = []

    def drawn(campaigns: Sequence[Campaign]) -> str:
        held.append(is_held(tmp_path) and "old" not in (tmp_path / PAGE).read_text())
        return picture(campaigns)

    monkeypatch.setattr(sys.modules[record.__module__], "picture", drawn)
    record(campaigns(), tmp_path, DAY)
    assert held == [True]


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("Mine.\n")
    with pytest.raises(CcciError, match="not there, or not once"):
        record(campaigns(), tmp_path, DAY)
    assert not (tmp_path / PICTURE).exists()
