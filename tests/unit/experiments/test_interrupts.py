"""A wish to stop that is postponed is heard, and granted however what it waited for ended."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from ccci_host.errors import HostError
from ccci_host.experiments.interrupts import postponed, stoppable, undisturbed


def test_it_is_answered_at_once_and_granted_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"), postponed("In a moment."):
        signal.raise_signal(signal.SIGTERM)
        steps.append(capsys.readouterr().err)
    assert steps == ["In a moment.\n"]


def test_an_error_does_not_make_it_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt, match="SIGTERM") as ended, postponed():
        signal.raise_signal(signal.SIGTERM)
        raise HostError("the file is not back")
    assert isinstance(ended.value.__context__, HostError)
    assert "the file is not back" in capsys.readouterr().err
    with pytest.raises(HostError), postponed():
        raise HostError("x")


@pytest.mark.parametrize("around", [stoppable, undisturbed, postponed])
def test_under_nohup_a_terminal_that_goes_stops_nothing(
    around: Callable[[], AbstractContextManager[None]],
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with around():
            for _ in range(2):
                signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
