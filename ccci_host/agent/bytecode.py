"""The agent's own modules, compiled once.

Python compiles what it imports from a zipapp anew at each start, and that costs a tick more than all it does.
So the compiled modules are kept in one file of the state folder. It is used only where it is of this very
archive and of this Python and whole, byte for byte; else, and on a full disk, the archive serves by itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import sys
import zipimport
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Optional

from . import paths

KEPT = Path(paths.STATE) / "bytecode"


def serve(archive: str, kept: Path = KEPT) -> None:
    """From now on import the modules of the zipapp at `archive` from `kept`, made anew where it must be."""
    key = hashlib.sha256(importlib.util.MAGIC_NUMBER + Path(archive).read_bytes()).digest()
    codes = _load(kept, key)
    if codes is None:
        codes = _compile(archive)
        _keep(kept, key, marshal.dumps(codes))
    sys.meta_path.insert(0, _Served(archive, codes))


class _Served:
    """Finds and loads the modules whose code is at hand."""

    def __init__(self, archive: str, codes: dict[str, CodeType]) -> None:
        self._archive = archive
        self._codes = codes

    def find_spec(self, name: str, *_: Any) -> Optional[ModuleSpec]:
        if name not in self._codes:
            return None
        origin = self._codes[name].co_filename
        # What loads is told by its methods; typeshed asks for a subclass of `Loader`.
        return importlib.util.spec_from_loader(name, self, origin=origin)  # type: ignore[arg-type]

    def create_module(self, _spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self._codes[module.__name__], module.__dict__)  # noqa: S102 - what an import is

    def get_source(self, name: str) -> Optional[str]:
        """The source, for a traceback's lines."""
        return zipimport.zipimporter(self._archive).get_source(name.replace(".", "/"))


def _load(kept: Path, key: bytes) -> Optional[dict[str, CodeType]]:
    try:
        if kept.stat().st_uid != os.geteuid():
            return None
        content = kept.read_bytes()
    except OSError:
        return None
    seal, body = content[:32], content[32:]
    if seal != hashlib.sha256(key + body).digest():
        return None
    codes: dict[str, CodeType] = marshal.loads(body)  # noqa: S302 - sealed, and of this user
    return codes


def _compile(archive: str) -> dict[str, CodeType]:
    import zipfile  # noqa: PLC0415 - once for each archive

    package = __name__.rpartition(".")[0]
    codes = {}
    with zipfile.ZipFile(archive) as zipped:
        for entry in zipped.namelist():
            name = entry[: -len(".py")].replace("/", ".")
            if name.startswith(f"{package}.") and not name.endswith("__init__"):
                codes[name] = compile(zipped.read(entry), f"{archive}/{entry}", "exec", dont_inherit=True)
    return codes


def _keep(kept: Path, key: bytes, body: bytes) -> None:
    from . import storage  # noqa: PLC0415 - once for each archive

    try:
        storage.write(kept, hashlib.sha256(key + body).digest() + body, mode=0o600)
    except OSError:
        return
