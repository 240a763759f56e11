"""A recipe: a folder in the layout of Co-op Cloud, and the version that its git tags give it."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ccci_host.config import at_home
from ccci_host.errors import ConfigError, NotFoundError

COMPOSE_FILE = "compose.yml"
UNVERSIONED = "unversioned"
UNCHECKED = "-unchecked"
"""Behind a version whose folder was not compared with its commit: git would run what its owner configures."""
GIT_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe on the machine that runs the suite."""

    name: str
    folder: Path
    version: str
    """`git describe` of the folder, or `unversioned`.

    `-dirty` when its files differ from that commit, `-unchecked` where that was not asked (`UNCHECKED`).
    """

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
    """Its version. Whether files differ is asked of a repository of our own alone.

    `git status` runs the filters that the repository's configuration names, and its hook `post-index-change`.
    """
    where = _git(folder, "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    toplevel, *inside = (where or "").splitlines() or [""]
    described = _git(folder, "describe", "--tags", "--always") if toplevel == str(folder) else None
    if not described:
        return UNVERSIONED
    if not _are_ours(folder, folder / ".git", *(folder / path for path in inside)):
        return described + UNCHECKED
    changes = _git(folder, "status", "--porcelain", trusted=True)
    return described + (UNCHECKED if changes is None else "-dirty" if changes else "")


def _are_ours(*paths: Path) -> bool:
    """Whether all of `paths`, and what links among them lead to, belong to the effective user."""
    try:
        owners = {status.st_uid for path in paths for status in (path.lstat(), path.stat())}
    except OSError:
        return False
    return owners == {os.geteuid()}


def _git(folder: Path, *words: str, trusted: bool = False) -> str | None:
    """What git says of `folder`; None where there is no git, no repository, or no answer in time.

    A version is only told, never acted upon, so that a recipe outside git is no error. A folder that is not
    `trusted` is read all the same, whoever owns it: only by words that run neither a filter nor a hook, and
    with no way left to fetch what is missing, for that runs programs of the repository's choice
    (`remote.NAME.uploadpack`, seen with git 2.39.5).
    """
    reading = [] if trusted else ["-c", f"safe.directory={folder}", "-c", f"core.hooksPath={os.devnull}"]
    argv = ["git", "-c", "core.fsmonitor=false", *reading, "-C", str(folder), *words]
    alone = {} if trusted else {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            timeout=GIT_TIMEOUT,
            check=False,
            text=True,
            env={**os.environ, **alone},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
