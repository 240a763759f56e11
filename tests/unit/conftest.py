"""What tests of several rooms need around them."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture
def in_a_terminal() -> Iterator[None]:
    """Ctrl-C interrupts: what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
