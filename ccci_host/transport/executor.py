"""One narrow way to run a command somewhere, shaped like `subprocess.run`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ccci_host.errors import CommandFailedError, HostError, UnansweredError, tail

DEFAULT_TIMEOUT = 60.0
"""Seconds that a command may take when its caller does not say."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ran to its end, with whatever exit code."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    where: str

    @property
    def ok(self) -> bool:
        """Whether the exit code is 0."""
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """Standard output as text, without the white space around it."""
        return self.stdout.decode(errors="replace").strip()

    def check(self, resolution: str = "") -> "Completed":
        """Itself when the exit code is 0; raises `CommandFailedError` otherwise."""
        if not self.ok:
            raise CommandFailedError(
                self.argv, self.exit_code, self.stdout, self.stderr, where=self.where, resolution=resolution
            )
        return self


class Executor(Protocol):
    """Runs commands as root on one host.

    An implementation runs each command exactly once. It raises `UnreachableError` when the command was not
    run, or when nobody can tell; a command that ran and failed is a `Completed` with its exit code.
    """

    @property
    def where(self) -> str:
        """Which host, by which way, for messages."""
        ...

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        """Run `argv`, never a shell string, with `input` on standard input, for at most `timeout` seconds."""
        ...

    def close(self) -> None:
        """Give up the connection. Safe to call twice."""
        ...


def run_repeatable(
    executor: Executor, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT
) -> Completed:
    """Run `argv`, which observes or may as well be run twice; once more when nobody knows how it ended.

    The connection may have broken, incusd may have been started again; and on a busy machine Incus may fail
    to start a command, of which it does not say that it never ran (seen, 6.0.4: "Failed to retrieve PID of
    executing child process").
    """
    try:
        return executor.run(argv, input=input, timeout=timeout)
    except UnansweredError:
        return executor.run(argv, input=input, timeout=timeout)


def run_python(
    executor: Executor,
    program: str,
    payload: Any,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    repeatable: bool = False,
) -> Any:
    """Run `program` (Python ≥ 3.9, standard library only) on the host in one round trip.

    `payload` reaches it as JSON on standard input, so a secret may be in it; `program` must print one JSON
    value, which is returned. One that is `repeatable`, since it observes or goes on where it was, is run once
    more when nobody knows how it ended. Raises `CommandFailedError` when it fails, `HostError` when the host
    has no usable Python or the program's answer is no JSON.
    """
    argv = ["python3", "-I", "-c", program]
    sent = json.dumps(payload).encode()
    if repeatable:
        done = run_repeatable(executor, argv, input=sent, timeout=timeout)
    else:
        done = executor.run(argv, input=sent, timeout=timeout)
    if done.exit_code == 127:
        raise HostError(
            f"{executor.where} has no python3.",
            details=tail(done.stderr),
            resolution="Install Python 3.9 or newer on the host (Debian: `apt-get install python3`).",
        )
    done.check()
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise HostError(
            f"A program on {executor.where} gave an answer that is no JSON.", details=tail(done.stdout)
        ) from None
