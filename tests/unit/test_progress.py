"""Elsewhere than on a terminal progress is plain, and silent about what was quick."""

import io
import time

import pytest
from rich.console import Console

from ccci_host import progress


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=stream, highlight=False, soft_wrap=True))
    return stream


def test_what_was_quick_says_nothing(shown: io.StringIO) -> None:
    with progress.doing("blinking"):
        pass
    assert shown.getvalue() == ""


def test_what_took_long_says_how_long(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    with progress.doing("deploying [bold]x[/bold]"):
        pass
    assert shown.getvalue() == "deploying [bold]x[/bold]: 0 s\n"


def test_what_takes_very_long_is_heard_of_meanwhile(
    shown: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.02)
    with progress.doing("waiting"):
        deadline = time.monotonic() + 5
        while "… waiting (0 s)\n" not in shown.getvalue() and time.monotonic() < deadline:
            pass
    assert "… waiting (0 s)\n" in shown.getvalue()


def test_an_error_passes_and_the_heart_stops(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    with pytest.raises(ValueError, match="broken"), progress.doing("breaking"):
        raise ValueError("broken")
    silent_from = len(shown.getvalue())
    time.sleep(0.05)
    assert len(shown.getvalue()) == silent_from


def test_a_terminal_gets_a_line_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=stream, force_terminal=True, width=80))
    with progress.doing("deploying"):
        pass
    assert "deploying" in stream.getvalue()


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device")])
def test_nobody_who_listens_is_no_reason_to_stop(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that has gone ended a run with rich's exit code 1, which says FAIL, and no verdict."""

    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise error

    monkeypatch.setattr(progress, "console", progress.Telling(file=Gone()))
    progress.say("one")
    progress.say("two")
