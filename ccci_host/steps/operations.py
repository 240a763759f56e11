"""What a step may do to a host. All operations of a provisioning travel and run in one go."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

from ccci_host.errors import HostError
from ccci_host.secret import Secret
from ccci_host.transport.machine import Machine

PROGRAM = (resources.files(__package__) / "apply_remote.py").read_text()


class Operation(Protocol):
    """One thing that is done to a host. It leaves no half-made state when it is cut off."""

    def wire(self) -> dict[str, Any]:
        """As JSON for `apply_remote.py`; it travels on standard input, so a secret may be in it."""
        ...


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder that is there, with this mode; its owner is root."""

    path: str
    mode: int = 0o755

    def wire(self) -> dict[str, Any]:
        """As JSON."""
        return {"do": "folder", "path": self.path, "mode": self.mode}


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file with this content and mode, root's, replaced in one move; missing folders above it are made."""

    path: str
    content: bytes
    mode: int = 0o644

    def wire(self) -> dict[str, Any]:
        """As JSON."""
        content = base64.b64encode(self.content).decode()
        return {"do": "write", "path": self.path, "content": content, "mode": self.mode}


@dataclass(frozen=True, slots=True)
class AddLine:
    """A line at the end of a file of mode 0600, root's; what others write into it meanwhile stays."""

    path: str
    line: str

    def wire(self) -> dict[str, Any]:
        """As JSON."""
        return {"do": "line", "path": self.path, "line": self.line}


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A command that must succeed within `timeout` seconds."""

    argv: tuple[str, ...]
    timeout: float = 60.0

    def wire(self) -> dict[str, Any]:
        """As JSON."""
        return {"do": "run", "argv": list(self.argv), "timeout": self.timeout}


@dataclass(frozen=True, slots=True)
class MergeLogin:
    """A registry login in a docker `config.json`: all else in that file stays as it is.

    The file ends with mode 0600, owned by whom its folder belongs to.
    """

    path: str
    registry: str
    entry: Secret
    """Base64 of account and PAT."""

    def wire(self) -> dict[str, Any]:
        """As JSON."""
        return {"do": "login", "path": self.path, "registry": self.registry, "auth": self.entry.reveal()}


def apply(machine: Machine, operations: Sequence[Operation], *, timeout: float = 300.0) -> None:
    """Do `operations` in their order, in one round trip of at most `timeout` seconds.

    Raises `HostError` at the first that fails; those before it are done, and doing all again does no harm.
    Files are written beside their places first: a full disk fails before anything is done, unless a folder
    was missing.
    """
    payload = {"operations": [operation.wire() for operation in operations]}
    answer = machine.run_python(PROGRAM, payload, timeout=timeout)
    if answer["failed"] is not None:
        raise HostError(
            f"Provisioning {machine.name} stopped half-way: {answer['what']} failed.",
            details=answer["failed"],
            resolution=f"{answer['done']} of {len(operations)} operations are done. Mend the cause and run "
            "`invoke provision` again: it goes on from there.",
        )
