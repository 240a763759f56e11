"""A command here that takes too long, or is interrupted."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import CommandTimeoutError
from ccci_host.transport import local
from ccci_host.transport.local import LocalExecutor
from tests.unit.processes import wait_for_end, wait_for_pid

Cutting = Callable[[Path, BaseException], None]

CUTS = [
    pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="interrupted"),
    pytest.param(subprocess.TimeoutExpired("sh", 1), CommandTimeoutError, id="too slow"),
]


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cutting:
    """Lets a command be given up with an error, once it has written a file."""

    def given_up(file: Path, error: BaseException) -> None:
        def communicate(process: Any, input: bytes, timeout: float) -> None:
            wait_for_pid(file)
            raise error

        monkeypatch.setattr(subprocess.Popen, "communicate", communicate)

    return given_up


@pytest.mark.parametrize(("error", "raised"), CUTS)
def test_it_may_put_its_things_in_order(
    error: BaseException, raised: type[BaseException], cut: Cutting, tmp_path: Path
) -> None:
    begun, tidied = tmp_path / "begun", tmp_path / "tidied"
    cut(begun, error)
    with pytest.raises(raised):
        LocalExecutor().run(
            ["bash", "-c", f"trap 'touch {tidied}; exit' TERM; echo $$ > {begun}; sleep 30 & wait"]
        )
    assert tidied.exists()


@pytest.mark.parametrize(("error", "raised"), CUTS)
def test_what_ignores_that_is_killed_with_its_children(
    error: BaseException,
    raised: type[BaseException],
    cut: Cutting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "GRACE", 0.2)
    parent, child = tmp_path / "parent", tmp_path / "child"
    cut(child, error)
    with pytest.raises(raised):
        LocalExecutor().run(
            ["sh", "-c", f"trap '' TERM; echo $$ > {parent}; sleep 30 & echo $! > {child}; wait"]
        )
    wait_for_end(wait_for_pid(parent))
    wait_for_end(wait_for_pid(child))


def test_a_child_that_ignores_it_does_not_outlive_one_that_heeds_it(cut: Cutting, tmp_path: Path) -> None:
    child = tmp_path / "child"
    cut(child, KeyboardInterrupt())
    deaf = f"trap '' TERM; echo $$ > {child}; sleep 30; true"
    with pytest.raises(KeyboardInterrupt):
        LocalExecutor().run(["bash", "-c", 'sh -c "$1" & wait', "-", deaf])
    wait_for_end(wait_for_pid(child))
