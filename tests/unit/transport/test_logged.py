"""What `-v` shows of a command: all but what its streams hold."""

import logging

import pytest

from ccci_host.errors import UnreachableError
from ccci_host.transport.executor import Completed
from ccci_host.transport.local import LocalExecutor
from ccci_host.transport.logged import logged


def test_argv_and_end_are_logged_and_sizes_where_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LocalExecutor().run(["cat"], input=b"hunter2")
    LocalExecutor().run(["python3", "-c", "import sys\nsys.exit('hunter2')"])
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("this machine: cat: exit code 0 after ")
    caplog.set_level(logging.DEBUG)
    LocalExecutor().run(["cat"], input=b"hunter2")
    assert caplog.messages[-1] == "7 bytes in, 7 and 0 out"
    assert [
        message for message in caplog.messages if "hunter2" in message and "sys.exit" not in message
    ] == []


def test_a_command_without_an_answer_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    class Cut(LocalExecutor):
        @logged
        def run(self, *_: object, **__: object) -> Completed:
            raise UnreachableError("cut off with hunter2")

    caplog.set_level(logging.DEBUG)
    with pytest.raises(UnreachableError):
        Cut().run(["true"])
    (message,) = caplog.messages
    assert message.startswith("this machine: true: no answer after ")
