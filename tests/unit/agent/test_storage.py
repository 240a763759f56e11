"""Durable files: a write that was cut off anywhere leaves the old content or the new."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import storage
from ccci_host.agent.storage import Reserved


class PowerCutError(Exception):
    """The test pulled the plug."""


@pytest.fixture
def file(tmp_path: Path) -> Reserved:
    return Reserved(tmp_path / "ledger.json")


def test_the_last_write_is_read(file: Reserved) -> None:
    for content in (b"one", b"a longer one", b"x"):
        file.write(content)
        assert file.read().rstrip() == content


def test_a_spare_of_the_same_size_waits_for_the_next_write(file: Reserved) -> None:
    file.write(b"one")
    for content in (b"two", b"three", b"four"):
        spare = file.spare.stat()
        assert spare.st_size >= storage.STEP
        file.write(content)
        assert file.path.stat().st_ino == spare.st_ino, "the content went into the spare"


def test_a_write_into_reserved_space_asks_for_none(file: Reserved, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write(b"one")
    file.write(b"two")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(10):
        file.write(b"number %d" % number)
    assert file.read().rstrip() == b"number 9"


def test_a_content_that_does_not_fit_leaves_the_old_one(
    file: Reserved, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(b"one")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        file.write(b"x" * 10 * storage.STEP)
    assert file.read().rstrip() == b"one"
    file.write(b"small again")
    assert file.read().rstrip() == b"small again"


STEPS = ("fsync", "link", "replace", "unlink", "posix_fallocate", "write")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_cut_at_any_step_leaves_the_old_or_the_new(
    file: Reserved, monkeypatch: pytest.MonkeyPatch, step: str, nth: int, moment: str
) -> None:
    file.write(b"first")
    file.write(b"old")
    calls = 0
    real: Callable[..., Any] = getattr(os, step)

    def cut(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and moment == "before":
            raise PowerCutError
        result = real(*arguments, **more)
        if calls == nth:
            raise PowerCutError
        return result

    with monkeypatch.context() as plug:
        plug.setattr(os, step, cut)
        try:
            file.write(b"new")
            happened = b"new"
        except PowerCutError:
            happened = file.read().rstrip()
    assert happened in (b"old", b"new")
    again = Reserved(file.path)
    assert again.read().rstrip() == happened
    again.write(b"later")
    again.write(b"latest")
    assert again.read().rstrip() == b"latest"
    assert {path.name for path in file.path.parent.iterdir()} <= {"ledger.json", "ledger.json.spare"}


def test_write_replaces_a_file_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    storage.write(path, b"one")
    storage.write(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.json"]
