"""Formatter, linter, strict types and the order of the rooms run as tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent


def ended_well(*argv: str) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_formatted() -> None:
    ended_well(str(SCRIPTS / "ruff"), "format", "--check", ".")


def test_linted() -> None:
    ended_well(str(SCRIPTS / "ruff"), "check", ".")


def test_strictly_typed() -> None:
    ended_well(str(SCRIPTS / "mypy"))


def test_rooms_import_only_from_below() -> None:
    ended_well(str(SCRIPTS / "lint-imports"))


def test_ccci_is_plain_shell() -> None:
    ended_well("bash", "-n", "ccci")


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


FORBIDDEN = {
    "a Docker Hub PAT": re.compile(r"dckr_pat_[A-Za-z0-9_-]{20,}"),
    "a prune of everything": re.compile(r"\bprune\s+(?:\S+\s+)*?(?:-[a-z]*a[a-z]*\b|--" + r"all\b)"),
}
MAY_SPEAK_OF_IT = {
    "a prune of everything": (
        "README.md",
        "DECISIONS.md",
        "docs/",
        "machine-docs/",
        "tests/",
        "ccci_host/faults/",
    ),
}


@pytest.mark.parametrize(
    "words",
    ["image prune -af", "image prune -a -f", "system prune --force --all", "image prune --filter x -fa"],
)
def test_a_prune_of_everything_is_known_in_every_spelling(words: str) -> None:
    assert FORBIDDEN["a prune of everything"].search(f"docker {words}")


@pytest.mark.parametrize("words", ["image prune -f", "invoke prune --apply", "ccci-prune plan"])
def test_what_is_no_prune_of_everything(words: str) -> None:
    assert not FORBIDDEN["a prune of everything"].search(words)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_tracked_holds(what: str) -> None:
    """PC1: no `-af` anywhere in harness, janitor or CI; and no credential that could be real."""
    allowed = MAY_SPEAK_OF_IT.get(what, ())
    hits = [
        path.relative_to(ROOT)
        for path in tracked_files()
        if path.is_file()
        and not str(path.relative_to(ROOT)).startswith(allowed or ("\0",))
        and FORBIDDEN[what].search(path.read_text(errors="replace"))
    ]
    assert not hits
