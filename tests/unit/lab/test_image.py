"""The CI host image: its name says what it is made of, and only whole ones count."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccci_host.lab import image
from ccci_host.lab.image import HostImage, build, ensure_imported
from tests.unit.lab.fake_incus import FakeIncus

TRIXIE = HostImage()


def test_the_name_follows_the_inputs() -> None:
    others = [
        replace(TRIXIE, suite="forky"),
        replace(TRIXIE, packages=(*TRIXIE.packages, "vim")),
        replace(TRIXIE, units=()),
        replace(TRIXIE, edition=TRIXIE.edition + 1),
    ]
    assert len({TRIXIE.alias, *(other.alias for other in others)}) == 1 + len(others)
    assert HostImage().alias == TRIXIE.alias == HostImage.of("trixie").alias


def test_debian_12_has_docker_in_one_package() -> None:
    assert {*HostImage.of("trixie").packages} - {*HostImage.of("bookworm").packages} == {"docker-cli"}


def test_the_name_follows_the_files_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "motd").write_text("one")
    monkeypatch.setattr(image, "ROOT", tmp_path)
    one = TRIXIE.alias
    (tmp_path / "etc" / "motd").write_text("two")
    assert TRIXIE.alias != one


def test_a_whole_image_in_the_cache_is_used(tmp_path: Path) -> None:
    whole = tmp_path / f"{TRIXIE.alias}.tar"
    whole.write_text("")
    (tmp_path / "half-done").mkdir()
    assert build(TRIXIE, tmp_path, tmp_path / "log") == whole


def test_an_imported_image_is_left_alone() -> None:
    incus = FakeIncus({f"images/aliases/{TRIXIE.alias}": {"target": "f00d"}})
    ensure_imported(incus, TRIXIE, Path("image.tar"))
    assert incus.changes == []


def test_importing_replaces_older_editions_and_cut_off_ones_only() -> None:
    incus = FakeIncus(
        {
            "images/old": {"fingerprint": "old", "aliases": [{"name": f"{TRIXIE.family}0123456789ab"}]},
            "images/half": {"fingerprint": "half", "aliases": []},
            "images/forky": {"fingerprint": "forky", "aliases": [{"name": "ccci-host-forky-0123456789ab"}]},
        }
    )
    ensure_imported(incus, TRIXIE, Path("image.tar"))
    assert incus.changes == [
        ("delete", "images/old"),
        ("delete", "images/half"),
        ("import", "image.tar"),
        ("create", f"images/aliases/{TRIXIE.alias}"),
    ]
    assert incus.objects[f"images/aliases/{TRIXIE.alias}"]["target"] == "f00d"
