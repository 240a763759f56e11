"""A recipe: a folder in the layout of Co-op Cloud, and the version that its git tags give it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ccci_host.config import at_home
from ccci_host.errors import ConfigError, NotFoundError

COMPOSE_FILE = "compose.yml"
UNVERSIONED = "unversioned"
GIT_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe on the machine that runs the suite."""

    name: str
    folder: Path
    version: str
    """`git describe` of the folder, `-dirty` when its files differ from that commit; or `unversioned`."""

    def file(self, name: str) -> str | None:
        """The text of one of its files, or None where it has no such file; raises `ConfigError`."""
        try:
            return (self.folder / name).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(self, name, error) from None


def unreadable(recipe: Recipe, name: str, error: OSError) -> ConfigError:
    """That a file of the recipe cannot be read."""
    return ConfigError(
        f"{name} of the recipe {recipe.name} cannot be read.",
        details=str(error),
        resolution=f"Let {recipe.folder} hold files only that you may read.",
    )


def find_recipe(word: str, roots: Sequence[Path]) -> Recipe:
    """The recipe that `word` means: a path, or the name of a folder in one of `roots`.

    Raises `NotFoundError`, which names the recipes that there are, `ConfigError` where a folder is closed.
    """
    candidates = [at_home(word)] if "/" in word or word in (".", "..") else []
    if not candidates:
        candidates = [*(root / word for root in roots), *(root for root in roots if root.name == word)]
    try:
        for folder in candidates:
            if is_recipe(folder):
                resolved = folder.resolve()
                return Recipe(resolved.name, resolved, _version(resolved))
        folders = [folder for root in roots if root.is_dir() for folder in root.iterdir()]
        known = sorted({folder.name for folder in folders if is_recipe(folder)})
        empty = [folder for folder in candidates if folder.is_dir()]
    except OSError as error:
        raise ConfigError(
            f"The recipe {word!r} cannot be looked for.",
            details=str(error),
            resolution="Let the folders in the host's `recipes` be ones that you may list.",
        ) from None
    raise NotFoundError(
        f"{empty[0]} holds no {COMPOSE_FILE}." if empty else f"There is no recipe {word!r}.",
        details=f"Known: {', '.join(known)}." if known else _looked_in(roots),
        resolution=f"Name a folder that holds a {COMPOSE_FILE}, or add its parent to the host's `recipes`.",
    )


def is_recipe(folder: Path) -> bool:
    """Whether `folder` is laid out as a recipe."""
    return (folder / COMPOSE_FILE).is_file()


def _looked_in(roots: Sequence[Path]) -> str:
    return (
        f"No recipe is in {', '.join(str(root) for root in roots)}."
        if roots
        else "No recipe folder is configured."
    )


def _version(folder: Path) -> str:
    if _git(folder, "rev-parse", "--show-toplevel") != str(folder):
        return UNVERSIONED
    described = _git(folder, "describe", "--tags", "--always") or UNVERSIONED
    return f"{described}-dirty" if _git(folder, "status", "--porcelain") else described


def _git(folder: Path, *words: str) -> str:
    """What git says of `folder`; nothing where there is no git or no repository.

    A version is only told, never acted upon, so that a recipe outside git is no error.
    """
    # A recipe folder of another user is read, not trusted: git may, and runs nothing that it configures.
    argv = ["git", "-c", f"safe.directory={folder}", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=GIT_TIMEOUT, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
