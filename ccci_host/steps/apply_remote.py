"""Does operations on the host. Runs there: Python 3.9, standard library only.

Standard input: `{"operations": [{"do": …}, …]}`. Standard output: `{"done": how many, "what": the operation
that failed, "failed": why, or null}`. Stops at the first failure. Prints nothing that an operation holds but
its path or its command.

The files of every `write` are laid beside their places before the first operation: a disk without room for
them changes nothing, and leaves nothing stopped. A line and a login are written at their turn.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = "/run/ccci-host-provision.lock"
"""Held while operations are done, so that two provisionings do not mix."""
NO_HELPER = ""
"""As a credential helper's name it means: keep the login in the file."""


def make_folder(path: Path, mode: int) -> None:
    """A folder with exactly this mode, its missing parents made first."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)


def beside(path: Path) -> Path:
    """Where the new content of `path` lies until it is moved there."""
    return path.with_name(f".{path.name}.ccci-new")


def stage(path: Path, content: bytes, mode: int, owner: os.stat_result | None = None) -> Path:
    """Write `content` beside `path`, on disk before this returns; owned by `owner`'s user, or by root."""
    new = beside(path)
    new.unlink(missing_ok=True)  # of a run that was killed
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), owner.st_uid if owner else 0, owner.st_gid if owner else 0)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except OSError:
        new.unlink(missing_ok=True)  # half a login on a disk that is full would be there until the next time
        raise
    return new


def put(new: Path, path: Path) -> None:
    """Move what was staged to its place, on disk before this returns."""
    try:
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def replace(path: Path, content: bytes, mode: int, owner: os.stat_result | None = None) -> None:
    """Put `content` at `path` in one move, on disk before it is seen; owned by `owner`'s user, or by root."""
    put(stage(path, content, mode, owner), path)


def stage_write(operation: dict[str, Any]) -> Path:
    """Stage the file of a `write`."""
    return stage(Path(operation["path"]), base64.b64decode(operation["content"]), operation["mode"])


def add_line(path: Path, line: str) -> None:
    """Put `line` behind what the file at `path` holds now, byte for byte, or what its link leads to."""
    target = path.resolve()
    before = target.read_bytes() if target.exists() else b""
    if line.encode() in before.split(b"\n"):
        return
    gap = b"\n" if before and not before.endswith(b"\n") else b""
    replace(target, before + gap + line.encode() + b"\n", 0o600)


def merge_login(path: Path, registry: str, auth: str) -> None:
    """Set one registry's login in the docker configuration at `path`, and keep all else."""
    folder = path.parent
    if not folder.exists():
        home = folder.parent.stat()
        folder.mkdir(mode=0o700)
        os.chown(folder, home.st_uid, home.st_gid)
    target = path.resolve()
    config: dict[str, Any] = json.loads(target.read_text()) if target.exists() else {}
    config["auths"] = {**(config.get("auths") or {}), registry: {"auth": auth}}  # docker reads null as absent
    helpers = config.get("credHelpers") or {}
    if helpers.get(registry, config.get("credsStore") or NO_HELPER) != NO_HELPER:
        # docker would ask the helper and overlook the entry: for this registry alone, the file counts.
        config["credHelpers"] = {**helpers, registry: NO_HELPER}
    replace(target, (json.dumps(config, indent=2) + "\n").encode(), 0o600, target.parent.stat())


def run(argv: list[str], timeout: float) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-1000:]
        raise OSError(f"exit code {done.returncode}: {said}")


def do(operation: dict[str, Any], staged: Path | None) -> None:
    """Do one operation; of a `write` that was staged, the move alone is left."""
    kind = operation["do"]
    if kind == "folder":
        make_folder(Path(operation["path"]), operation["mode"])
    elif kind == "write":
        if staged is None or not staged.exists():  # an operation before it used that name, or made the folder
            Path(operation["path"]).parent.mkdir(parents=True, exist_ok=True)
            staged = stage_write(operation)
        put(staged, Path(operation["path"]))
    elif kind == "line":
        add_line(Path(operation["path"]), operation["line"])
    elif kind == "login":
        merge_login(Path(operation["path"]), operation["registry"], operation["auth"])
    elif kind == "run":
        run(operation["argv"], operation["timeout"])
    else:
        raise ValueError(f"unknown operation {kind!r}")


def described(operation: dict[str, Any]) -> str:
    """An operation for a message."""
    subject = " ".join(operation["argv"]) if "argv" in operation else operation["path"]
    return f"`{operation['do']} {subject}`"


def can_be_staged(operation: dict[str, Any], staged: dict[int, Path]) -> bool:
    """Whether it is a `write` into a folder that is there now, and the first one of its file."""
    if operation["do"] != "write":
        return False
    path = Path(operation["path"])
    return path.parent.exists() and beside(path) not in staged.values()


def main() -> None:
    """Read the operations, do them, tell how far it went."""
    operations = json.load(sys.stdin)["operations"]
    answer: dict[str, Any] = {"done": 0, "what": "", "failed": None}
    with Path(LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        staged: dict[int, Path] = {}
        operation: dict[str, Any] = {}
        try:
            for number, operation in enumerate(operations):
                if can_be_staged(operation, staged):
                    staged[number] = stage_write(operation)
            for number, operation in enumerate(operations):
                do(operation, staged.get(number))
                answer["done"] += 1
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            answer.update(what=described(operation), failed=str(error))
        finally:
            for new in staged.values():
                with contextlib.suppress(OSError):  # the answer counts more
                    new.unlink(missing_ok=True)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
