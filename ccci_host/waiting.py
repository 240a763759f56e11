"""The one place that waits."""

from collections.abc import Callable
from typing import TypeVar

import tenacity

from ccci_host.errors import CcciError, WaitTimeoutError

T = TypeVar("T")


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout: float,
    interval: float = 0.25,
    retry_on: tuple[type[CcciError], ...] = (),
    resolution: str = "",
) -> T:
    """Ask `probe` every `interval` seconds until it answers something other than `None`, and return that.

    `probe` must only observe. Errors of the types in `retry_on` count as "not yet"; any other passes
    through. Raises `WaitTimeoutError` after `timeout` seconds, with the last such error in its details.
    """
    seen: list[CcciError] = []

    def ask() -> T | None:
        try:
            return probe()
        except retry_on as error:
            seen[:] = [error]
            return None

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda answer: answer is None),
        stop=tenacity.stop_after_delay(timeout),
        wait=tenacity.wait_fixed(interval),
    )
    try:
        answer = retrying(ask)
    except tenacity.RetryError:
        raise WaitTimeoutError(
            f"Waited {timeout:.0f} s for {what}, in vain.",
            details=f"The last thing seen: {seen[0]}" if seen else "",
            resolution=resolution,
        ) from (seen[0] if seen else None)
    assert answer is not None  # noqa: S101 - tenacity returns only what its predicate let through
    return answer


def pause(seconds: float) -> None:
    """Let `seconds` pass, where a measurement needs a stretch of quiet."""
    tenacity.nap.sleep(seconds)
