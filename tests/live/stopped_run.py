"""A run of an experiment in a process of its own, which is sent a signal somewhere in one of its phases.

    python -m tests.live.stopped_run CONFIG HOST TASK HISTORY PHASE SIGNAL SECONDS

The signal comes SECONDS after the beginning of PHASE, or at the phase's end, whichever is first: it never
misses the phase.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from ccci_host import config
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.experiments.options import Point
from ccci_host.journal import Journal
from ccci_host.transport import open_machine


def main(where: str, host: str, task: str, history: str, *stop: str) -> None:
    """Run it, until the signal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background process may ignore it
    options = Options(task=task, onlooker=Stopper(*stop))
    table = config.load(Path(where)).host[host]
    with open_machine(host, table) as machine, Journal(Path(history)) as journal:
        EXPERIMENTS[task](machine, journal, options)


class Stopper:
    """Sends the signal once."""

    def __init__(self, phase: str, name: str, seconds: str) -> None:
        self._phase = phase
        self._signal = signal.Signals[name]
        self._timer = threading.Timer(float(seconds), self._send)
        self._timer.daemon = True
        self._sent = threading.Lock()

    def __call__(self, point: Point) -> None:
        if point == ("before", self._phase):
            self._timer.start()
        elif point == ("after", self._phase):
            self._send()

    def _send(self) -> None:
        if self._sent.acquire(blocking=False):
            os.kill(os.getpid(), self._signal)


if __name__ == "__main__":
    main(*sys.argv[1:])
