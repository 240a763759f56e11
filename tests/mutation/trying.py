"""The plugin of pytest that tries each mutant on the tests that reach its function.

The tests are collected and run once, which shows which functions each of them reaches. Then each mutant has a
fork in which it is switched on: the quick tests first, up to the first that fails.
"""

import functools
import gc
import json
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from _pytest.tmpdir import tmppath_result_key
from mutmut.mutation import trampoline

from tests.mutation.mutants import LIST

OUTCOMES = "outcomes.json"
"""In the copy: what became of each mutant, by its name."""
KILLED, SURVIVED, TIMEOUT, UNTRIED = "killed", "survived", "timeout", "untried"
"""`untried`: no test reaches the function, once everything is imported."""
PATIENCE = 120
"""Seconds for the tests of one mutant."""

reached: set[str] = set()
"""Functions, as the first part of their mutants' names."""


def _noting(switch: Callable[..., Any]) -> Callable[..., Any]:
    """mutmut's switch between a function and its mutants; it also notes that the function was reached."""

    def noting(mutants: dict[str, Any], *more: Any) -> Callable[..., Any]:
        def around(function: Callable[..., Any]) -> Callable[..., Any]:
            switched = switch(mutants, *more)(function)

            @functools.wraps(function)
            def note(*args: Any, **named: Any) -> Any:
                own = mutants["_mutmut_orig"].__name__.removesuffix("_orig")
                reached.add(f"{function.__module__}.{own}")
                return switched(*args, **named)

            return note

        return around

    return noting


trampoline.wrap_in_trampoline = _noting(trampoline.wrap_in_trampoline)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """In place of pytest's own loop."""
    tests = _reaching(session)
    outcomes: dict[str, str] = {}
    gc.collect()
    gc.freeze()  # a fork then copies less
    for mutant in json.loads(Path(LIST).read_text()):
        outcomes[mutant] = _try(mutant, tests[mutant.rpartition("_")[0]])
        if len(outcomes) % 100 == 0:
            print(f"{len(outcomes)} tried", flush=True)
    Path(OUTCOMES).write_text(json.dumps(outcomes))
    return True


def _reaching(session: pytest.Session) -> dict[str, list[pytest.Item]]:
    """The tests that reach each function, the quickest first."""
    timed: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for number, item in enumerate(session.items):
        reached.clear()
        began = process_time()
        following = session.items[number + 1] if number + 1 < len(session.items) else None
        if not _passes(item, following):
            raise pytest.UsageError(f"{item.nodeid} fails without any mutant")
        for function in reached:
            timed[function].append((process_time() - began, number))
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for function, found in timed.items():
        tests[function] = [session.items[number] for _, number in sorted(found)]
    return tests


def _try(mutant: str, tests: Iterable[pytest.Item]) -> str:
    if not tests:
        return UNTRIED
    child = os.fork()
    if not child:
        signal.alarm(PATIENCE)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        trampoline.set_mutant_under_test(mutant)
        noticed = True
        try:
            noticed = not all(_passes(item, None) for item in tests)
        finally:
            os._exit(noticed)
    _, status = os.waitpid(child, 0)
    return SURVIVED if status == 0 else TIMEOUT if os.WIFSIGNALED(status) else KILLED


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether the test passes, without what pytest does to report it: that takes longer than the test."""
    state: Any = item.session._setupstate
    function: Any = item
    item.stash[tmppath_result_key] = {}  # which pytest's own report would leave for `tmp_path`
    try:
        function._initrequest()
        state.setup(item)
        item.runtest()
    except (Exception, pytest.fail.Exception):
        return False
    finally:
        state.teardown_exact(following)
    return True
