"""A command as a person starts it, timed from its start to its end."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccci_host.lab import commands
from ccci_host.transport.executor import Completed


@dataclass(frozen=True, slots=True)
class Timed:
    """What it took, and what it said."""

    seconds: float
    done: Completed


def timed(argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 600.0) -> Timed:
    """Run `argv` here, with `env` on top of this process's environment, for at most `timeout` seconds.

    Raises `CommandFailedError` when it ends with another exit code than 0: what failed has no figure.
    """
    began = time.monotonic()
    done = commands.run(argv, env=env, timeout=timeout)
    return Timed(time.monotonic() - began, done.check())
