"""Logs what is run on a host, for `-v`."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import wraps

from ccci_host.errors import summarise
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed, Executor

log = logging.getLogger("ccci_host.transport")


def logged(run: Callable[..., Completed]) -> Callable[..., Completed]:
    """Make an executor's `run` log each command: its argv and end at INFO, the sizes of its streams at DEBUG.

    What the streams hold is never logged, for secrets travel in them.
    """

    @wraps(run)
    def run_and_log(
        executor: Executor, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT
    ) -> Completed:
        begun = time.monotonic()
        end = "no answer"
        try:
            done = run(executor, argv, input=input, timeout=timeout)
            end = f"exit code {done.exit_code}"
        finally:
            seconds = time.monotonic() - begun
            log.info("%s: %s: %s after %.2f s", executor.where, summarise(argv), end, seconds)
        log.debug("%d bytes in, %d and %d out", len(input), len(done.stdout), len(done.stderr))
        return done

    return run_and_log
