"""A folder that no lab has made is left alone, whatever is asked."""

from pathlib import Path

import pytest

from ccci_host.errors import RefusedError
from ccci_host.lab.lab import Lab
from ccci_host.lab.settings import Settings


def test_a_folder_of_somebody_elses_is_neither_purged_nor_taken(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    lab = Lab(Settings.for_folder(tmp_path))
    with pytest.raises(RefusedError, match="is no lab's folder: there is letters in it"):
        lab.down(purge=True)
    with pytest.raises(RefusedError, match="is no lab's folder"):
        lab.up()
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_lab_that_was_never_made_can_be_purged(tmp_path: Path) -> None:
    """The cache may be there all the same: it is also that of the labs beside it."""
    (tmp_path / "lab" / "cache").mkdir(parents=True)
    (tmp_path / "neighbour").mkdir()
    Lab(Settings.for_folder(tmp_path / "lab")).down(purge=True)
    assert [path.name for path in tmp_path.iterdir()] == ["neighbour"]
