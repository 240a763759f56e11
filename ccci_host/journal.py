"""The file of a history: written as it happens, one JSON line a record, safe on disk before work goes on."""

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ccci_host.errors import CcciError, NotFoundError
from ccci_host.records import Entry, Event, History, Record

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def now() -> str:
    """The controller's time, UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Journal:
    """Appends records to a history's file.

    Each line is flushed and fsynced before `write` returns, so that what was done is on disk before the next
    thing is. Raises `CcciError` when the file exists already, or cannot be written.
    """

    def __init__(self, path: Path, *, listener: Callable[[Entry], None] | None = None) -> None:
        self.path = path
        self._listener = listener
        self._seq = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("x", encoding="utf-8")
        except FileExistsError:
            raise CcciError(
                f"{path} holds a history already.", resolution="A history is never written twice; start anew."
            ) from None
        except OSError as error:
            raise CcciError(f"The history {path} cannot be written.", details=str(error)) from None
        _sync_folder(path.parent)

    def write(self, event: Event) -> None:
        """Append `event` and see it onto the disk."""
        self._seq += 1
        entry = Entry(seq=self._seq, at=now(), event=event)
        try:
            self._file.write(line(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise CcciError(f"The history {self.path} cannot be written.", details=str(error)) from None
        if self._listener:
            self._listener(entry)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def line(entry: Entry) -> str:
    """An entry as its line, without the end of line."""
    record: Record = entry.event
    return json.dumps(
        {"seq": entry.seq, "at": entry.at, **record.model_dump(mode="json")},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def read_history(path: Path) -> History:
    """The history in the file at `path`, with whatever is wrong with the file among its `problems`.

    A file that is there is always read: a line that is cut off or means nothing is a problem of the history,
    not an error. Raises `NotFoundError` when there is no file, `CcciError` when it cannot be opened.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no history at {path}.", resolution="Name the folder of a run: it holds history.jsonl."
        ) from None
    except OSError as error:
        raise CcciError(f"The history {path} cannot be read.", details=str(error)) from None
    return parse_history(content)


def parse_history(content: bytes) -> History:
    """The history whose file has this content."""
    entries: list[Entry] = []
    problems: list[str] = []
    if content and not content.endswith(b"\n"):
        problems.append("the last line is cut off")
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            entry = _entry(_value(raw))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            problems.append(f"line {number} is no record: {_short(error)}")
            continue
        if entry.seq != number:
            problems.append(f"line {number} calls itself {entry.seq}: lines are missing or were added")
        entries.append(entry)
    return History(
        entries=tuple(entries), problems=tuple(problems), sha256=hashlib.sha256(content).hexdigest()
    )


def _value(raw: bytes) -> dict[str, Any]:
    """A line's value. Raises `ValueError` for what no record can hold, though Python takes it for JSON.

    That is `NaN`, below which and above which nothing lies, and half a character, which no file can hold.
    """
    value: dict[str, Any] = json.loads(raw, parse_constant=_refuse)
    if b"\\ud" in raw.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _entry(value: dict[str, Any]) -> Entry:
    fields = dict(value)
    at = fields.pop("at")
    if datetime.fromisoformat(at).utcoffset() != timedelta(0):
        raise ValueError(f"{at} is no time in UTC")
    return Entry(seq=fields.pop("seq"), at=at, event=_EVENT.validate_python(fields))


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'the record'}: {first['msg']}"
    return str(error)


def _sync_folder(folder: Path) -> None:
    """See a new file's name onto the disk too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
