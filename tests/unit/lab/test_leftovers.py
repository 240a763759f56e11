"""A purge that is cut off at any file can be finished by the next."""

from pathlib import Path

import pytest

from ccci_host.lab import leftovers
from ccci_host.lab.settings import Settings


def test_the_word_that_the_lab_is_being_purged_goes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.for_folder(tmp_path)
    for folder in (settings.incus, settings.hub):
        folder.mkdir()
    for file in (settings.lock, settings.daemon, settings.purging, settings.config):
        file.touch()
    removed: list[Path] = []
    rmtree, unlink = leftovers.shutil.rmtree, Path.unlink  # type: ignore[attr-defined]  # the real ones

    def watched_rmtree(path: Path) -> None:
        removed.append(path)
        rmtree(path)

    def watched_unlink(path: Path, missing_ok: bool = False) -> None:
        removed.append(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(leftovers.shutil, "rmtree", watched_rmtree)  # type: ignore[attr-defined]
    monkeypatch.setattr(Path, "unlink", watched_unlink)
    leftovers.empty_folder(settings)
    assert removed[-3:] == [settings.daemon, settings.purging, settings.mark]
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
