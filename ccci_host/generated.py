"""Generated parts of hand-written files, between markers; every other word of the file stays as it is."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from ccci_host.alone import alone
from ccci_host.errors import CcciError, NotFoundError


def begin(name: str) -> str:
    """The line before the generated part called `name`."""
    return f"<!-- generated: {name} -->"


def end(name: str) -> str:
    """The line after it."""
    return f"<!-- end of generated: {name} -->"


def part(name: str, body: str) -> str:
    """The part with its markers."""
    return f"{begin(name)}\n{body.strip()}\n{end(name)}"


def with_part(text: str, name: str, body: str) -> str:
    """`text` with the part called `name` made anew.

    Raises `CcciError` when the markers are not there exactly once, in order: nothing is written elsewhere.
    """
    first, last = text.find(begin(name)), text.find(end(name))
    if first < 0 or last < first or text.count(begin(name)) != 1 or text.count(end(name)) != 1:
        raise CcciError(
            f"The markers of the generated part {name!r} are not there, or not once.",
            details=f"Expected one line `{begin(name)}` and below it one line `{end(name)}`.",
            resolution="Put both lines back where the part belongs.",
        )
    return text[:first] + part(name, body) + text[last + len(end(name)) :]


def without_part(text: str, name: str) -> str:
    """`text` without the part called `name`, as far as its markers are there: the words of people."""
    first, last = text.find(begin(name)), text.find(end(name))
    return text if first < 0 or last < first else text[:first] + text[last + len(end(name)) :]


def read_file(path: Path) -> str:
    """The text at `path`; raises `NotFoundError` when it is not there, `CcciError` when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no {path.name} in {path.parent}.", resolution="Put it back: `git log` knows it."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CcciError(
            f"{path} cannot be read.",
            details=str(error),
            resolution="Make it a file of UTF-8 text that may be read, and try again.",
        ) from None


def replace_file(path: Path, text: str) -> None:
    """Put `text` at `path`, whole or not at all; raises `CcciError` when its folder does not take it.

    Whoever changes what was there holds the folder (`alone`) from before it was read.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}.unfinished")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise CcciError(
            f"{path} could not be written.",
            details=str(error),
            resolution=f"Make {path.parent} writable, with room on its disk, and try again.",
        ) from None
    finally:
        with suppress(OSError):  # replaced or never made: then it is not there
            unfinished.unlink()


def refresh(path: Path, name: str, body: str) -> bool:
    """Make the part called `name` of the file at `path` anew; whether that changed the file.

    Raises what `alone`, `read_file`, `with_part` and `replace_file` raise.
    """
    with alone(path.parent):
        before = read_file(path)
        after = with_part(before, name, body)
        if after == before:
            return False
        replace_file(path, after)
        return True
