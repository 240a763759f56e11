"""A wish to stop that is postponed is heard, and granted however what it waited for ended."""

import signal

import pytest

from ccci_host.errors import HostError
from ccci_host.experiments.interrupts import postponed


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
