"""Commands on the machine that runs the suite."""

import os
import signal
import subprocess
from collections.abc import Sequence

from ccci_host.errors import CommandTimeoutError, summarise
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed
from ccci_host.transport.logged import logged


class LocalExecutor:
    """Runs commands here. One that does not end in its time is killed, with its children."""

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
                    resolution="It was killed half-way: look at what it did before you run it again.",
                ) from None
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
        code = process.returncode
        return Completed(tuple(argv), code if code >= 0 else 128 - code, stdout, stderr, self.where)

    def close(self) -> None:
        """Nothing to give up."""
