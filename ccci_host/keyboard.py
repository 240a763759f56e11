"""A run that waits for a person: `--pause-before`."""

import os
import select
import sys
from collections.abc import Callable

from ccci_host.errors import UsageError
from ccci_host.progress import say

MEANWHILE_SECONDS = 60.0
"""After so long without Enter, and again each time, the run does what may not lapse: it renews its lease."""


def require_keyboard() -> None:
    """Raise `UsageError` where there is no standard input to wait at."""
    if sys.stdin is None:
        raise _nobody_to_ask()


def wait_for_enter(why: str, meanwhile: Callable[[], None]) -> None:
    """Say `why`, and let a person say when to go on; raises `UsageError` where standard input ends."""
    say(why)
    stream = sys.stdin.fileno()
    letter = b""
    while letter != b"\n":
        while not select.select([stream], [], [], MEANWHILE_SECONDS)[0]:
            meanwhile()
        letter = os.read(stream, 1)  # one at a time: what a buffer has taken, `select` does not see
        if not letter:
            raise _nobody_to_ask()


def _nobody_to_ask() -> UsageError:
    return UsageError(
        "A pause waits for Enter, and standard input is at its end.",
        resolution="Run this in a terminal, or without --pause-before.",
    )
