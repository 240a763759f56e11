"""Runs tasks as `ccci` does, in this process, and keeps what they said."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from ccci_host.cli import VERBOSITY_VARIABLE, CcciProgram
from ccci_host.config import ENVIRONMENT_VARIABLE
from tasks import namespace


@dataclass(frozen=True)
class Ended:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of the result."""
        return self.out.splitlines()[-1]

    def one_paragraph(self) -> str:
        """What was said of an error that is no verdict, which has to be clear and no traceback."""
        said = self.err.strip()
        assert self.code == 3, self
        assert self.out == ""
        assert "Traceback" not in said
        assert "\n\n" not in said
        assert len(said.splitlines()) >= 2, "what happened, and what to do"
        return said


class CommandLine:
    """`ccci WORD …`, any number of times."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Ended:
        self._capsys.readouterr()
        with _surroundings_kept():
            program = CcciProgram(name="ccci", binary="ccci", version="0", namespace=namespace)
            code = program.ended(["ccci", *words])
        return Ended(code, *self._capsys.readouterr())


@contextmanager
def _surroundings_kept() -> Iterator[None]:
    """A command line owns its process: what it sets for itself is not for the next test."""
    root = logging.getLogger()
    handlers, level, verbosity = root.handlers[:], root.level, os.environ.get(VERBOSITY_VARIABLE)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        os.environ.pop(VERBOSITY_VARIABLE, None)
        if verbosity is not None:
            os.environ[VERBOSITY_VARIABLE] = verbosity


def configured(monkeypatch: pytest.MonkeyPatch, path: object) -> None:
    """Let the next command lines read the configuration at `path`."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(path))
