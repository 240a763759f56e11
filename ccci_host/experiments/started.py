"""The first record of a history: by which code, on whose behalf, on which host."""

import hashlib
import platform
import subprocess
from pathlib import Path, PurePath

from ccci_host import __version__, checkout
from ccci_host.experiments.options import Options
from ccci_host.records import Option, Started
from ccci_host.transport.machine import Machine

LEFT_OUT = checkout.MACHINE_DOCS.name
"""Evidence is written into the checkout that it is about, so it has no part in the checkout's hash."""


def started(machine: Machine, options: Options, folder: Path = checkout.ROOT) -> Started:
    """What is known before the host is asked anything."""
    table = machine.config
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".", f":(exclude){LEFT_OUT}")
    return Started(
        task=options.task,
        argv=tuple(str(_without_folders(word)) for word in options.argv),
        options={name: _without_folders(value) for name, value in options.recorded().items()},
        suite=__version__,
        python=platform.python_version(),
        commit=commit.strip() if commit else None,
        dirty=None if changes is None else bool(changes.strip()),
        tree=tree_hash(folder),
        host=machine.name,
        instance=table.incus.instance,
        project=table.incus.project,
        door="https" if table.incus.over_https else "unix",
        commands="ssh" if table.ssh else "incus",
        label=table.label,
        disposable=table.disposable,
        allow_reboot=table.allow_reboot,
        registry_log=table.registry is not None,
        registry_push=table.registry is not None and table.registry.tag_command is not None,
    )


def tree_hash(folder: Path) -> str | None:
    """SHA-256 over names and contents of the checkout's files, `machine-docs/` apart; None without git.

    Files that git ignores do not count, new ones that it does not know yet do.
    """
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        return None
    total = hashlib.sha256()
    for name in sorted(set(filter(None, listed.split("\0")))):
        path = folder / name
        if PurePath(name).parts[0] == LEFT_OUT or not path.is_file():
            continue
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _git(folder: Path, *words: str) -> str | None:
    """What git says; None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _without_folders(value: Option) -> Option:
    """A path's last part: evidence is read elsewhere, where this machine's folders mean nothing."""
    return PurePath(value).name if isinstance(value, str) and value.startswith("/") else value
