"""The agent as one file: the same bytes every time, and a Python of the oldest kind runs it."""

import subprocess
import sys
import zipfile
from pathlib import Path

from ccci_host.steps.agent_archive import archive_sha256, build_archive


def test_its_bytes_depend_on_nothing_but_its_source(tmp_path: Path) -> None:
    assert build_archive() == build_archive()
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ccci_host.steps.agent_archive import archive_sha256; print(archive_sha256())",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": ":".join(sys.path)},
    )
    assert other.stdout.strip() == archive_sha256()
    path = tmp_path / "ccci-prune"
    path.write_bytes(build_archive())
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_it_runs_by_itself_from_any_folder(tmp_path: Path) -> None:
    path = tmp_path / "ccci-prune"
    path.write_bytes(build_archive())
    path.chmod(0o755)
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip()
