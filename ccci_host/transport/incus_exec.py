"""Commands through Incus, without websockets.

A recorded exec is asked for, its operation waited for, its two recorded streams are read and deleted. pylxd's
own `execute` opens three websockets per command; over HTTPS these fail in one call of ten *after* the command
has run (pylxd#210, #376), and so cannot be retried.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from ccci_host.errors import (
    CcciError,
    CommandTimeoutError,
    UnansweredError,
    UnreachableError,
    WaitTimeoutError,
    summarise,
)
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed
from ccci_host.transport.incus_api import AGENT_DOWN, NOT_FOUND, AgentDownError, IncusApi, IncusRefusedError
from ccci_host.transport.incus_files import InstanceFiles
from ccci_host.transport.logged import logged
from ccci_host.waiting import wait_until

T = TypeVar("T")

AGENT_PATIENCE = 30.0
"""Seconds that a command waits for the agent of a virtual machine that has just booted."""

POLL = 20
"""Seconds that one request waits for an operation; a longer wait is made of several."""

LOST_ANSWERS = 3
"""Answers lost in a row after which nobody knows how the command ended."""

_INPUT = "/run/ccci-"
"""What the paths of inputs begin with; 32 hexadecimal digits come behind."""

# What the host's shell is given to evaluate: these constants, never our data. `exit $?` keeps the shell, so
# that death by a signal is 128 + its number, of which the agent of a virtual machine just says -1. `exec`
# runs the program of that name, where the shell would prefer a word of its own (`echo`).
_CLEAR = (
    f"for old in {_INPUT}{'?' * 32}; do "
    '[ -f "$old" ] && [ "$old" != "$0" ] && find "$old" -mmin +10 -delete 2>/dev/null; done; '
)
"""Inputs of controllers that were killed before their command began; without any, no program is started."""
_OPEN_INPUT = '[ -f "$0" ] || { echo "$0" >&2; exit 66; }; exec 9<"$0" && rm -f "$0" && '
_NO_INPUT = 66
"""Exit code that, with the input's path for all complaint, says: it was gone before the command began."""
_BECOME = 'exec "$@" <&9 9<&-'
_RUN = '(exec "$@"); exit $?'
_RUN_WITH_INPUT = '{ (exec "$@" <&9 9<&-); exit $?; }'


class IncusExecutor:
    """Runs commands in one instance, each exactly once: nothing is sent again after a command was asked for.

    Input lies in a file of mode 0600 under `/run`, which is memory, until the command starts; one that was
    left there goes with the next. A command that does not end in its time raises `CommandTimeoutError` and
    runs on: Incus can end no recorded exec.
    """

    def __init__(self, api: IncusApi, instance: str, kind: str, where: str) -> None:
        self._api = api
        self._instance = instance
        self._has_agent = kind == "virtual-machine"
        self._files = InstanceFiles(api, instance)
        self._where = where

    @property
    def where(self) -> str:
        """Instance and server, for messages."""
        return self._where

    @logged
    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        """Run `argv` in the instance, as root."""
        deadline = time.monotonic() + timeout
        if not input:
            sent = ["sh", "-c", _RUN, "sh", *argv] if self._has_agent else argv
            return self._exec(argv, sent, deadline)
        path = f"{_INPUT}{uuid.uuid4().hex}"
        script = _CLEAR + _OPEN_INPUT + (_RUN_WITH_INPUT if self._has_agent else _BECOME)
        self._when_agent_runs(lambda: self._files.put(path, input, 0o600), deadline)
        with self._removed_on_failure(path):
            done = self._exec(argv, ["sh", "-c", script, path, *argv], deadline)
        if done.exit_code == _NO_INPUT and done.stderr.decode(errors="replace").strip() == path:
            # A machine that boots mounts /run over what was put there just before (measured, Incus 6.0.4).
            raise UnreachableError(
                f"`{summarise(argv)}` on {self._where} was not run: its input was gone.",
                details=path,
                resolution="Run it again. Unless the machine is just booting, see what empties /run on it.",
            )
        return done

    def close(self) -> None:
        """Nothing to give up: the connection belongs to the server's wrapper."""

    def _exec(self, argv: Sequence[str], sent: Sequence[str], deadline: float) -> Completed:
        return self._when_agent_runs(lambda: self._exec_once(argv, sent, deadline), deadline)

    def _exec_once(self, argv: Sequence[str], sent: Sequence[str], deadline: float) -> Completed:
        request = {"command": list(sent), "record-output": True, "wait-for-websocket": False}
        operation = self._api.post("instances", self._instance, "exec", body=request)["metadata"]["id"]
        try:
            ended = self._ended(argv, operation, deadline)
            stdout, stderr = self._recorded(operation, "stdout"), self._recorded(operation, "stderr")
        finally:
            self._discard(operation)
        reason = str(ended.get("err") or "")
        exit_code = (ended["metadata"] or {}).get("return", -1)
        if exit_code >= 0:
            return Completed(tuple(argv), exit_code, stdout, stderr or reason.encode(), self._where)
        if AGENT_DOWN in reason:  # Incus takes the command before it looks for the agent
            raise AgentDownError(reason)
        raise UnansweredError(
            f"`{summarise(argv)}` on {self._where} ended without an exit code.",
            details=reason,
            resolution="It may have run, in whole or in part: look before you run it again.",
        )

    def _ended(self, argv: Sequence[str], operation: str, deadline: float) -> dict[str, Any]:
        """The operation when it has ended. To ask is to observe: a lost answer is asked for again."""
        lost = 0

        def ask() -> dict[str, Any] | None:
            nonlocal lost
            try:
                ended = self._api.ended(operation, min(POLL, deadline - time.monotonic()))
            except (UnreachableError, IncusRefusedError) as error:
                lost += 1
                if isinstance(error, UnreachableError) and lost < LOST_ANSWERS:
                    return None
                raise self._nobody_knows(argv, error) from None
            lost = 0
            return ended

        try:
            return wait_until(ask, what="the command's end", timeout=deadline - time.monotonic())
        except WaitTimeoutError:
            raise CommandTimeoutError(
                f"`{summarise(argv)}` on {self._where} did not end in its time.",
                resolution="Nobody ended it and it may still run there: look before you run it again.",
            ) from None

    def _nobody_knows(self, argv: Sequence[str], error: CcciError) -> UnansweredError:
        return UnansweredError(
            f"Nobody knows how `{summarise(argv)}` on {self._where} ended.",
            details=str(error),
            resolution="It was started: look at the host before you run it again.",
        )

    def _recorded(self, operation: str, stream: str) -> bytes:
        try:
            content, _ = self._api.get_raw(*self._record(operation, stream))
        except IncusRefusedError as error:
            if error.status == NOT_FOUND:
                return b""  # the command never got as far as having streams
            raise
        return content

    def _discard(self, operation: str) -> None:
        """Delete what was recorded; of a command that still runs as well: it writes on into nothing."""
        for stream in ("stdout", "stderr"):
            with suppress(CcciError):  # never made, or out of reach: what is under way says more
                self._api.delete(*self._record(operation, stream))

    def _record(self, operation: str, stream: str) -> tuple[str, ...]:
        return ("instances", self._instance, "logs", "exec-output", f"exec_{operation}.{stream}")

    @contextmanager
    def _removed_on_failure(self, path: str) -> Iterator[None]:
        """Remove the input when nobody can say that the command, which removes it first, was started."""
        try:
            yield
        except BaseException:  # Ctrl-C as well
            with suppress(CcciError):  # gone already, or out of reach: the error under way says more
                self._files.remove(path)
            raise

    def _when_agent_runs(self, request: Callable[[], T], deadline: float) -> T:
        """The answer to `request`, made again only while Incus says that a machine's agent is down."""

        def ask() -> tuple[T]:
            try:
                return (request(),)
            except IncusRefusedError as error:
                raise self._not_run(error) from None

        patience = max(0.0, min(AGENT_PATIENCE, deadline - time.monotonic()))
        try:
            (answer,) = wait_until(
                ask, what="the agent", timeout=patience, interval=1, retry_on=(AgentDownError,)
            )
        except WaitTimeoutError:
            raise AgentDownError(
                f"The Incus agent in {self._where} does not run.",
                details=f"Waited {patience:.0f} s for it; the command was not run.",
                resolution="The machine may still be booting. If it is not, install and start incus-agent in "
                "it; `incus console` shows what it says.",
            ) from None
        return answer

    def _not_run(self, refusal: IncusRefusedError) -> UnreachableError:
        return UnreachableError(
            f"Incus runs no command on {self._where}.",
            details=refusal.reason,
            resolution="It must be running: `incus start` a stopped instance, `incus resume` a frozen one.",
        )
