"""Names and addresses of labs that may run beside each other."""

from pathlib import Path

import pytest

from ccci_host.lab.settings import ENVIRONMENT_VARIABLE, USUAL_FOLDER, Settings


def test_the_usual_lab_has_the_documented_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    usual = Settings.usual()
    assert usual.folder == USUAL_FOLDER
    assert (usual.project, usual.bridge, str(usual.address), usual.https_port) == (
        "ccci-lab",
        "ccci0",
        "10.77.0.1/24",
        8443,
    )


def test_the_environment_moves_the_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "lab"))
    assert Settings.usual().folder == tmp_path / "lab"


def test_labs_in_other_folders_take_other_names() -> None:
    """In folders named here: the names are hashes of the paths, and chosen paths give the same always."""
    labs = [Settings.for_folder(Path(folder)) for folder in (USUAL_FOLDER, "/srv/lab-a", "/srv/lab-b")]
    for taken in ("project", "bridge", "address", "https_port"):
        assert len({getattr(lab, taken) for lab in labs}) == len(labs), taken


def test_the_same_folder_gives_the_same_lab_always(tmp_path: Path) -> None:
    assert Settings.for_folder(tmp_path / "a") == Settings.for_folder(tmp_path / "b" / ".." / "a")


def test_a_bridge_name_is_one_that_linux_takes(tmp_path: Path) -> None:
    assert len(Settings.for_folder(tmp_path).bridge) <= 15


def test_labs_beside_the_usual_one_share_its_cache_and_nothing_else() -> None:
    usual = Settings.for_folder(USUAL_FOLDER)
    labs = [usual, *(usual.beside(number) for number in range(1, 8))]
    assert {lab.cache for lab in labs} == {usual.cache}
    for taken in ("folder", "project", "bridge", "address", "https_port"):
        assert len({getattr(lab, taken) for lab in labs}) == len(labs), taken


def test_the_labs_beside_one_are_found_and_no_others(tmp_path: Path) -> None:
    lab = Settings.for_folder(tmp_path / "lab")
    for name in ("lab", "lab-beside-2", "lab-beside-1", "lab-scratch", "other-beside-1"):
        (tmp_path / name).mkdir()
    assert lab.all_beside() == (lab.beside(1), lab.beside(2))
