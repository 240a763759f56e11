"""A clean clone of this checkout with a lab of its own: what a person meets who comes for the first time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ccci_host import checkout
from ccci_host.lab import commands
from ccci_host.lab.benchmark.timed import timed
from ccci_host.lab.lab import Lab
from ccci_host.lab.settings import ENVIRONMENT_VARIABLE, Settings
from ccci_host.progress import doing


@dataclass(frozen=True, slots=True)
class CleanClone:
    """What is committed in this checkout, without `.venv` and without a lab, until a command makes them."""

    folder: Path
    commit: str
    """Abbreviated."""
    lab: Settings

    def seconds(self, *words: str, timeout: float) -> float:
        """What `./ccci WORDS` takes in it; raises `CommandFailedError` when that ends badly.

        pip downloads what it installs. Debian packages are those that the machine has, and are not removed.
        """
        env = {ENVIRONMENT_VARIABLE: str(self.lab.folder), "CCCI_CONFIG": "", "PIP_NO_CACHE_DIR": "1"}
        with doing(f"./ccci {' '.join(words)} in a clean clone"):
            return timed([str(self.folder / "ccci"), *words], env=env, timeout=timeout).seconds


@contextmanager
def clean_clone(lab: Lab) -> Iterator[CleanClone]:
    """A clone of what is committed; its lab is beside `lab`, and is purged before and after."""
    beside = lab.settings.folder
    settings = Settings.for_folder(beside.with_name(f"{beside.name}-benchmark"))
    with TemporaryDirectory() as root:
        folder = Path(root) / "clone"
        commands.run(["git", "clone", "--quiet", str(checkout.ROOT), str(folder)]).check()
        commit = commands.run(["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]).check().text
        _purge(settings)  # of a benchmark that was killed
        try:
            yield CleanClone(folder, commit, settings)
        finally:
            _purge(settings)


def _purge(settings: Settings) -> None:
    if settings.folder.exists():
        Lab(settings).down(purge=True)
