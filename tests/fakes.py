"""Fakes that fail on anything unscripted."""

from collections.abc import Callable, Sequence

from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed

Answer = Callable[[tuple[str, ...], bytes], Completed]


def completed(
    stdout: str | bytes = b"", *, stderr: str | bytes = b"", exit_code: int = 0, argv: Sequence[str] = ()
) -> Completed:
    """An ended command, from text or bytes."""
    return Completed(
        tuple(argv),
        exit_code,
        stdout.encode() if isinstance(stdout, str) else stdout,
        stderr.encode() if isinstance(stderr, str) else stderr,
        "the fake host",
    )


class FakeExecutor:
    """Answers scripted commands in any order and remembers all that was run; anything else is an error.

    A script key is the beginning of an argv, joined by spaces; the longest that fits answers.
    """

    where = "the fake host"

    def __init__(self, script: dict[str, Completed | Exception | Answer] | None = None) -> None:
        self.script = dict(script or {})
        self.runs: list[tuple[tuple[str, ...], bytes]] = []

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        self.runs.append((tuple(argv), input))
        line = " ".join(argv)
        fitting = [key for key in self.script if line == key or line.startswith(key + " ")]
        if not fitting:
            raise AssertionError(f"unscripted command: {line}")
        answer = self.script[max(fitting, key=len)]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Completed):
            return Completed(tuple(argv), answer.exit_code, answer.stdout, answer.stderr, self.where)
        return answer(tuple(argv), input)

    def close(self) -> None:
        self.runs.append((("(closed)",), b""))
