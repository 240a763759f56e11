"""Waiting asks again only when told that it may, and says what it saw last."""

import time

import pytest

from ccci_host.errors import HostError, UnreachableError, WaitTimeoutError
from ccci_host.waiting import pause, wait_until


def test_it_returns_the_first_answer_that_is_not_none() -> None:
    answers = iter([None, None, "up"])
    assert wait_until(lambda: next(answers), what="it", timeout=5, interval=0) == "up"


@pytest.mark.parametrize("answer", [False, 0, "", ()])
def test_an_answer_may_be_false(answer: object) -> None:
    assert wait_until(lambda: answer, what="it", timeout=0) is answer


def test_it_gives_up_in_its_time_and_says_what_for() -> None:
    started = time.monotonic()
    with pytest.raises(WaitTimeoutError) as caught:
        wait_until(lambda: None, what="the swarm", timeout=0.2, interval=0.05, resolution="Look at it.")
    assert time.monotonic() - started < 2
    assert str(caught.value) == "Waited 0 s for the swarm, in vain.\nLook at it."


def test_an_error_that_it_was_told_of_counts_as_not_yet() -> None:
    answers = iter([UnreachableError("booting"), None, 7])

    def probe() -> int | None:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert wait_until(probe, what="it", timeout=5, interval=0, retry_on=(UnreachableError,)) == 7


def test_any_other_error_passes_through_at_once() -> None:
    asked: list[int] = []

    def probe() -> None:
        asked.append(1)
        raise HostError("no swarm")

    with pytest.raises(HostError, match="no swarm"):
        wait_until(probe, what="it", timeout=5, interval=0, retry_on=(UnreachableError,))
    assert asked == [1]


def test_in_vain_shows_the_last_error_and_has_it_as_its_cause() -> None:
    def probe() -> None:
        raise UnreachableError("No route.")

    with pytest.raises(WaitTimeoutError) as caught:
        wait_until(probe, what="the host", timeout=0, retry_on=(UnreachableError,))
    assert caught.value.details == "The last thing seen: No route."
    assert isinstance(caught.value.__cause__, UnreachableError)


def test_a_pause_lasts() -> None:
    started = time.monotonic()
    pause(0.05)
    assert time.monotonic() - started >= 0.05
