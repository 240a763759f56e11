"""Generated parts of hand-written files, between markers; every other word of the file stays as it is."""

from pathlib import Path

from ccci_host.errors import CcciError


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


def replace_file(path: Path, text: str) -> None:
    """Put `text` at `path`, whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def refresh(path: Path, name: str, body: str) -> bool:
    """Make the part called `name` of the file at `path` anew; whether that changed the file."""
    before = path.read_text(encoding="utf-8")
    after = with_part(before, name, body)
    if after == before:
        return False
    replace_file(path, after)
    return True
