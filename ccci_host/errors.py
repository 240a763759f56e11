"""Errors that a person can act on: what happened, the details, what to do.

Every error that this project raises on purpose is a `CcciError`. A task shows its `brief`, then its
`details`, then its `resolution`, and ends with exit code 3: it could not run, so it says nothing
about the host.
"""

from collections.abc import Sequence

STREAM_LIMIT = 2000
"""Characters of a command's stream that an error shows: the end of it, where the cause usually is."""


class CcciError(Exception):
    """Something that stops the work, in three parts.

    `brief` is one sentence, `details` what was seen (may be empty), `resolution` what to do about it.
    """

    def __init__(self, brief: str, *, details: str = "", resolution: str = "") -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.resolution = resolution

    def __str__(self) -> str:
        return "\n".join(part for part in (self.brief, self.details, self.resolution) if part)


class ConfigError(CcciError):
    """The configuration is missing, malformed or contradicts itself."""


class UsageError(CcciError):
    """A word or an argument on the command line that means nothing here."""


class UnreachableError(CcciError):
    """The command was not run, or nobody knows: the way to the host is broken."""


class UnansweredError(UnreachableError):
    """Nobody knows how a command ended: it ran in whole or in part, or still runs."""


class CommandTimeoutError(UnreachableError):
    """A command did not end in its time. Nobody ended it: it may still run on the host."""


class NotFoundError(CcciError):
    """Something that was named does not exist: an instance, a project, a recipe, an image."""


class RefusedError(CcciError):
    """It could be done, but not safely: somebody else's work is under way, or permission is missing."""


class HostError(CcciError):
    """The host was reached and is not fit for what was asked: daemon down, no swarm, disk full."""


class CredentialError(CcciError):
    """Docker Hub does not accept the account or its PAT."""


class DeployError(CcciError):
    """A stack could not be deployed or did not converge."""


class WaitTimeoutError(CcciError):
    """Something that was waited for did not happen in its time."""


class CommandFailedError(CcciError):
    """A command ran on the host and answered with an exit code other than zero."""

    def __init__(
        self,
        argv: Sequence[str],
        exit_code: int,
        stdout: bytes,
        stderr: bytes,
        *,
        where: str,
        resolution: str = "",
    ) -> None:
        self.argv = tuple(argv)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr
        streams = {"stderr": stderr, "stdout": stdout}
        super().__init__(
            f"`{summarise(argv)}` on {where} ended with exit code {exit_code}.",
            details="\n".join(f"{name}: {tail(text)}" for name, text in streams.items() if text.strip()),
            resolution=resolution,
        )


def summarise(argv: Sequence[str], limit: int = 120) -> str:
    """`argv` on one line for a message, cut after `limit` characters; for reading, not for a shell."""
    line = " ".join(word.replace("\n", "⏎") for word in argv)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def tail(stream: bytes, limit: int = STREAM_LIMIT) -> str:
    """The last `limit` characters of a command's output, as text."""
    text = stream.decode(errors="replace").strip()
    return text if len(text) <= limit else "…" + text[-limit:]
