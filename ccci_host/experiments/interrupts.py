"""Being told to stop: every way of it ends in the same clean-up.

Ctrl-C raises `KeyboardInterrupt` by itself; here SIGTERM and SIGHUP do too, SIGHUP not under `nohup`. While
things are put back in order, the first further wish to stop is only noted: half a clean-up is worse than a
slow end. What the host gives and must get back is taken with the wish postponed: cut off in between, nobody
would know of it.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ccci_host.errors import CcciError
from ccci_host.progress import say

STOPPERS = (signal.SIGTERM, signal.SIGHUP)
PUTTING_BACK = "Putting the host back in order; ask again to leave it as it is."


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it, SIGTERM and SIGHUP stop the work as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's shape
        raise KeyboardInterrupt(signal.Signals(number).name)

    with _handling(STOPPERS, stop):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Within it, the first wish to stop is told off, and the second one stops all the same."""
    asked: list[str] = []

    def hold(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        name = signal.Signals(number).name
        if asked:
            raise KeyboardInterrupt(name)
        asked.append(name)
        say(PUTTING_BACK)

    with _handling((signal.SIGINT, *STOPPERS), hold):
        yield


@contextmanager
def postponed(saying: str = "") -> Iterator[None]:
    """Within it, the first wish to stop waits for the end, and the second one stops at once.

    The first one hears `saying`. It is granted at the end also where an error ended what it waited for; the
    error is said then.
    """
    asked: list[str] = []

    def hold(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.append(signal.Signals(number).name)
        if len(asked) > 1:
            raise KeyboardInterrupt(asked[-1])
        if saying:
            say(saying)

    try:
        with _handling((signal.SIGINT, *STOPPERS), hold):
            yield
    except CcciError as error:
        if asked:
            say(str(error))
        raise
    finally:
        if asked:
            raise KeyboardInterrupt(asked[-1])


@contextmanager
def _handling(numbers: tuple[signal.Signals, ...], handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heeded = [number for number in numbers if not (nohup and number is signal.SIGHUP)]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
