"""Runs a host program as a host would: by its text, with JSON on standard input."""

import contextlib
import io
import json
import shutil
import subprocess
import sys
from functools import cache
from typing import Any
from unittest import mock

import pytest

OLDEST = "python3.9"
OURS = "ours"


def interpreters() -> list[Any]:
    """This Python, and the oldest that a host may have where this machine has it.

    Where it has not, the linter alone holds the programs to that version's syntax and library.
    """
    return [pytest.param(python, id=python) for python in (OURS, *([OLDEST] if _works(OLDEST) else []))]


def run(python: str, program: str, payload: Any) -> Any:
    """The program's answer. `OURS` runs it in this process, which is quick; any other in one of its own."""
    given = json.dumps(payload)
    if python == OURS:
        said = io.StringIO()
        with mock.patch.object(sys, "stdin", io.StringIO(given)), contextlib.redirect_stdout(said):
            exec(compile(program, "<host program>", "exec"), {"__name__": "__main__"})
        return json.loads(said.getvalue())
    argv = [python, "-I", "-c", program]
    done = subprocess.run(argv, input=given.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@cache
def _works(python: str) -> bool:
    found = shutil.which(python)
    return (
        found is not None and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0
    )
