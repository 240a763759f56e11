"""A bug in the deployer: what it runs on the host is not quite what this checkout says.

The program that deploys and removes stacks goes to the host as text; here a part of that text is another one.
So a harness can be as wrong as harnesses are, on the same host, with the same recipe.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

from ccci_host.errors import HostError
from ccci_host.experiments import stacks
from ccci_host.faults.fault import Fault
from ccci_host.recipes import teardown
from ccci_host.recipes.host import PROGRAM
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed, Executor
from ccci_host.transport.machine import Machine


class Bug(Fault):
    """Changes the deployer's program; each change is a text that stands in it once, and another."""

    changes: ClassVar[tuple[tuple[str, str], ...]]

    def __init__(self) -> None:
        self.active = False
        self.met = 0

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """The machine with an executor in between, which changes the program while the bug is there.

        What the bug left of the suite's own stacks goes in the end. One that was there before is not of this
        run; nor is any of a run that never met the bug, since nobody began over it.
        """
        self.met = 0
        before = stacks.look(machine).own
        try:
            yield replace(machine, executor=Changing(machine.executor, self))
        finally:
            if self.bit():
                for stack in sorted({*stacks.look(machine).own} - {*before}):
                    teardown(machine, stack)

    def inject(self, machine: Machine) -> None:  # noqa: ARG002 - the bug is on its way to the host
        """Raises `HostError` where the program has no longer the text that is to be another."""
        gone = [old for old, _ in self.changes if PROGRAM.count(old) != 1]
        if gone:
            raise HostError(f"The deployer's program has not once the text {gone[0]!r}.")
        self.active = True

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether programs are changed on their way; that one was, `bit` says."""
        return self.active

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """No more changes."""
        self.active = False

    def bit(self) -> bool:
        """Whether a changed program was sent."""
        return self.met > 0

    def changed(self, word: str) -> str:
        """A word of an argv, as the bug has it."""
        if not self.active or word != PROGRAM:
            return word
        self.met += 1
        for old, new in self.changes:
            word = word.replace(old, new)
        return word


@dataclass
class Changing:
    """An executor that lets the bug see each command first."""

    inner: Executor
    bug: Bug

    @property
    def where(self) -> str:
        """As without the bug."""
        return self.inner.where

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        """Run what the bug makes of `argv`."""
        return self.inner.run([self.bug.changed(word) for word in argv], input=input, timeout=timeout)

    def close(self) -> None:
        """Leave it to its owner."""
