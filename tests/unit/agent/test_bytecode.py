"""The compiled modules: used where they are of this archive and whole, made anew everywhere else."""

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ccci_host.steps.agent_archive import PACKAGE, build_archive
from tests.unit.agent.hosts import PYTHON

PROGRAM = """
import json, os, sys
archive, kept, user = sys.argv[1:]
sys.path.insert(0, archive)
from pathlib import Path
from ccci_prune import bytecode
if user:
    os.geteuid = lambda: int(user)
bytecode.serve(archive, Path(kept))
compiled = "zipfile" in sys.modules
from ccci_prune import words
print(json.dumps({
    "compiled": compiled,
    "served": type(words.__loader__).__name__,
    "source": words.__loader__.get_source(words.__name__),
    "own": sorted(name for name in sys.modules if name.startswith("ccci_prune.")),
}))
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "ccci-prune"
    path.write_bytes(build_archive())
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "bytecode"


def start(archive: Path, kept: Path, *, user: str = "") -> dict[str, Any]:
    """Start an agent, and what it says of how it came by its modules."""
    argv = [PYTHON, "-IS", "-c", PROGRAM, str(archive), str(kept), user]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_modules_are_compiled_once(archive: Path, kept: Path) -> None:
    first, second = start(archive, kept), start(archive, kept)
    assert first["compiled"]
    assert not second["compiled"]
    assert second["served"] == "_Served"
    assert f"{PACKAGE}.sweep" in second["own"]
    assert kept.stat().st_mode & 0o777 == 0o600


def test_another_archive_is_compiled_anew(archive: Path, kept: Path) -> None:
    start(archive, kept)
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("another.txt", "")
    assert start(archive, kept)["compiled"]
    assert not start(archive, kept)["compiled"]


@pytest.mark.parametrize(
    "damage", ["flipped in the seal", "flipped in the middle", "cut off", "empty", "zeros"]
)
def test_what_is_not_whole_is_not_run(archive: Path, kept: Path, damage: str) -> None:
    start(archive, kept)
    content = bytearray(kept.read_bytes())
    if damage.startswith("flipped"):
        content[3 if "seal" in damage else len(content) // 2] ^= 1
    damaged = {"cut off": content[:-1], "empty": bytearray(), "zeros": bytearray(len(content))}
    kept.write_bytes(damaged.get(damage, content))
    assert start(archive, kept)["compiled"]
    assert not start(archive, kept)["compiled"]


def test_what_belongs_to_somebody_else_is_not_run(archive: Path, kept: Path) -> None:
    start(archive, kept)
    assert start(archive, kept, user=str(os.geteuid() + 1))["compiled"]


def test_where_nothing_can_be_kept_the_archive_serves(archive: Path, tmp_path: Path) -> None:
    away = tmp_path / "no such folder" / "bytecode"
    for _ in range(2):
        assert start(archive, away)["compiled"]
    assert not away.parent.exists()


def test_a_traceback_has_its_lines(archive: Path, kept: Path) -> None:
    start(archive, kept)
    assert "def main(" in start(archive, kept)["source"]
