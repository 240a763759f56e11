"""A harness that is not the suite's own: it deploys through Docker's API, as abra is read to do (fact 34).

It resolves every digest, and sends no login with anything, though the host has one. So it is what the
deployer `command` is tried on. It ships to the lab's hosts as one file, with PyYAML in it, and the suite
knows it by its commands alone.
"""

import io
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable

PATH = "/usr/local/bin/lab-harness"
"""Where it lies on a host of the lab."""

_MAIN = b"import sys\n\nfrom harness.words import main\n\nsys.exit(main(sys.argv[1:]))\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build_archive() -> bytes:
    """The harness as a program: the same bytes for the same sources."""
    files = {"__main__.py": _MAIN, **_sources("ccci_host.lab.harness", "harness"), **_sources("yaml", "yaml")}
    archive = io.BytesIO(b"#!/usr/bin/env -S python3 -IS\n")
    archive.seek(0, io.SEEK_END)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as zipped:
        for name in sorted(files):
            zipped.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def commands(*, lend_login: bool) -> dict[str, object]:
    """The table `command` of a host's configuration: how the suite is to call it."""
    return {
        "deploy": [[PATH, "deploy", "{stack}", "{folder}", "{env_file}"]],
        "undeploy": [[PATH, "undeploy", "{stack}"]],
        "clean_up": [[PATH, "clean-up", "{stack}"]],
        "lend_login": lend_login,
    }


def _sources(package: str, folder: str) -> dict[str, bytes]:
    found: list[Traversable] = [one for one in resources.files(package).iterdir() if one.name.endswith(".py")]
    own = package.startswith("ccci_host")  # this very file is of use here alone
    return {
        f"{folder}/{one.name}": b"" if own and one.name == "__init__.py" else one.read_bytes()
        for one in found
    }
