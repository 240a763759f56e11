"""Says what is being done while it takes long.

On a terminal a line with a spinner and the elapsed time; elsewhere one plain line when something that
took more than `QUIET_SECONDS` has ended, and nothing for what was quick.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console

QUIET_SECONDS = 2.0
HEARTBEAT_SECONDS = 30.0


class Telling(Console):
    """A console whose reader may go: what is told is no result, and nobody's leaving ends the work."""

    def on_broken_pipe(self) -> None:
        """Say nothing more; rich would end the program with exit code 1, which is FAIL here."""
        self.quiet = True


console = Telling(stderr=True, highlight=False, soft_wrap=True)
"""Where progress goes. Standard output is for results."""


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Show that `what` (an -ing phrase without a full stop) is under way, and how long it took."""
    started = time.monotonic()
    if console.is_terminal:
        with (
            console.status(what) as status,
            _ticking(lambda: status.update(f"{what} … {_elapsed(started)}"), 1.0),
        ):
            yield
    else:
        with _ticking(lambda: say(f"… {what} ({_elapsed(started)})"), HEARTBEAT_SECONDS):
            yield
    if time.monotonic() - started >= QUIET_SECONDS:
        say(f"{what}: {_elapsed(started)}")


def say(line: str) -> None:
    """One line of progress, without decoration; nothing where nobody takes it, as on a full disk."""
    with suppress(OSError):
        console.print(line, markup=False)
        sys.stderr.flush()


def _elapsed(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"


@contextmanager
def _ticking(tick: Callable[[], None], every: float) -> Iterator[None]:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            tick()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
