"""The agent as one file: a zipapp whose bytes depend on nothing but its source.

Names are sorted, times and modes fixed, nothing is compressed: two checkouts of one commit build the same
bytes, so that a hash tells whether a host runs what this checkout would install.
"""

import hashlib
import io
import zipfile
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

SHEBANG = b"#!/usr/bin/env -S python3 -IS\n"
"""Isolated from the caller's environment, without site packages: the standard library is enough."""

PACKAGE = "ccci_prune"
"""The agent's package within the archive."""

_MAIN = f"""import sys

from {PACKAGE} import bytecode

bytecode.serve(sys.path[0])

from {PACKAGE}.words import main

sys.exit(main())
""".encode()
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


def build_archive() -> bytes:
    """The agent of this checkout, ready to be written to `agent.paths.ARCHIVE` with mode 0755."""
    files = {f"{PACKAGE}/{source.name}": source.read_bytes() for source in _sources()}
    files["__main__.py"] = _MAIN
    archive = io.BytesIO()
    archive.write(SHEBANG)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _MODE
            entry.create_system = 3
            zipped.writestr(entry, files[name])
    return archive.getvalue()


@cache
def archive() -> bytes:
    """`build_archive()`, read once: the plan and the look after it are of one state of the checkout."""
    return build_archive()


def archive_sha256() -> str:
    """The SHA-256 of `archive()`, in hexadecimal: by it the agent on a host is known."""
    return hashlib.sha256(archive()).hexdigest()


def _sources() -> list[Traversable]:
    folder = resources.files("ccci_host.agent")
    return sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".py") and entry.name != "__main__.py"),
        key=lambda entry: entry.name,
    )
