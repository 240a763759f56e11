"""Commands on the machine that runs the suite."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from ccci_host.errors import CommandTimeoutError, summarise
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed
from ccci_host.transport.logged import logged

GRACE = 5.0
"""Seconds that a command gets to put its things in order before it is killed."""


class LocalExecutor:
    """Runs commands here. One that takes too long, or is interrupted, is ended with its children."""

    @property
    def where(self) -> str:
        """Which machine, for messages."""
        return "this machine"

    @logged
    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        """Run `argv` here, as the user that runs the suite."""
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            return Completed(tuple(argv), 127, b"", str(error).encode(), self.where)
        except PermissionError as error:
            return Completed(tuple(argv), 126, b"", str(error).encode(), self.where)
        with process:
            try:
                stdout, stderr = process.communicate(input, timeout)
            except subprocess.TimeoutExpired:
                raise CommandTimeoutError(
                    f"`{summarise(argv)}` on {self.where} did not end in its time.",
                    resolution="It was ended half-way: look at what it did before you run it again.",
                ) from None
            finally:
                if process.returncode is None:
                    _end(process)
        code = process.returncode
        return Completed(tuple(argv), code if code >= 0 else 128 - code, stdout, stderr, self.where)

    def close(self) -> None:
        """Nothing to give up."""


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the command and its children; SIGKILL to what is left once it ended, or after `GRACE`."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:  # whoever interrupts a second time does not wait
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
