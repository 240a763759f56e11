"""Absent, unreadable and empty are three different answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Present:
    """It is there, and this is what it holds; nothing at all may be what it holds."""

    content: bytes
    mode: int = 0
    """Permission bits of a file, 0 for what is no file."""
    owner: str = ""
    """User name (or number) that owns a file, empty for what is no file."""
    path: str = ""
    """Where a file really lies, behind its symbolic links; empty for what is no file."""

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 become replacement characters."""
        return self.content.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Absent:
    """It is not there: no such file, no such command, no such object."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nobody can tell: permission denied, the daemon is down, the command failed."""

    reason: str


Answer = Present | Absent | Unreadable
