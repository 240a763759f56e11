"""What tests of several rooms need around them."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture
def in_a_terminal() -> Iterator[None]:
    """Ctrl-C and a hang-up end things: what a shell or `nohup` puts in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)
    signal.signal(signal.SIGHUP, hang_up)
