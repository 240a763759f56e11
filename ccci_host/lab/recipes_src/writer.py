"""Makes each recipe of this folder into a git repository, as `abra` and the harnesses clone them."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ccci_host.errors import CommandFailedError

_SOURCES = Path(__file__).parent
_AUTHOR = {
    "GIT_AUTHOR_NAME": "ccci lab",
    "GIT_AUTHOR_EMAIL": "lab@ccci.invalid",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00+00:00",
    "GIT_COMMITTER_NAME": "ccci lab",
    "GIT_COMMITTER_EMAIL": "lab@ccci.invalid",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00+00:00",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
_MARK = "ccci-source"
"""A file in `.git` that says which source the repository was made from."""


@dataclass(frozen=True, slots=True)
class RecipeSource:
    """A recipe of the lab and the version that its repository is tagged with: `RECIPE+APP`."""

    name: str
    version: str

    @property
    def folder(self) -> Path:
        """Its files, here."""
        return _SOURCES / self.name

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files, relative to the folder, in order."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return tuple(sorted(path.relative_to(self.folder) for path in found))

    @property
    def key(self) -> str:
        """Changes with its files, its version and the way of making it."""
        digest = hashlib.sha256(Path(__file__).read_bytes() + self.version.encode())
        for path in self.files:
            digest.update(str(path).encode() + b"\0" + (self.folder / path).read_bytes())
        return digest.hexdigest()


RECIPES = (
    RecipeSource("small", "1.0.0+1.0"),
    RecipeSource("several", "0.3.1+1.0-social"),
    RecipeSource("mixed", "2.1.0+v3.1"),
    RecipeSource("twelve", "1.2.0+2.0"),
)
"""`small`: app and database. `several`: compose files. `mixed`: registries and tags. `twelve`: 12 images."""


def write_recipes(folder: Path) -> tuple[str, ...]:
    """Make the recipes' repositories in `folder`; the names of those that were not there as they are to be.

    Raises `CommandFailedError` when git fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(recipe.name for recipe in RECIPES if _write(recipe, folder / recipe.name))


def _write(recipe: RecipeSource, target: Path) -> bool:
    if _is_as_written(recipe, target):
        return False
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for path in recipe.files:
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recipe.folder / path, fresh / path)
    _git(fresh, "init", "--quiet", "--initial-branch=main")
    _git(fresh, "add", "--all", "--force")
    _git(fresh, "commit", "--quiet", "--message", f"Release {recipe.version}")
    _git(fresh, "tag", "--annotate", recipe.version, "--message", f"Release {recipe.version}")
    (fresh / ".git" / _MARK).write_text(recipe.key)
    if target.exists():
        shutil.rmtree(target)
    fresh.replace(target)
    return True


def _is_as_written(recipe: RecipeSource, target: Path) -> bool:
    mark = target / ".git" / _MARK
    if not mark.exists() or mark.read_text() != recipe.key:
        return False
    return not _git(target, "status", "--porcelain") and _git(target, "describe", "--exact-match") != ""


def _git(folder: Path, *words: str) -> str:
    argv: Sequence[str] = ("git", "-C", str(folder), *words)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(argv, env={**inherited, **_AUTHOR}, capture_output=True, check=False)
    if done.returncode != 0:
        raise CommandFailedError(argv, done.returncode, done.stdout, done.stderr, where="this machine")
    return done.stdout.decode().strip()
