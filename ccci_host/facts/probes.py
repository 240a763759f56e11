"""The questions that can be put to a host, and how each one's answer is read.

A probe travels to the host as JSON, is answered there by `collector_remote.py`, and turns the JSON of that
answer into a typed value. Probes are values: the same one asked for by two facts is put once.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable

A_co = TypeVar("A_co", covariant=True)


class Probe(Protocol[A_co]):
    """One question. Hashable and comparable by value."""

    def wire(self) -> dict[str, Any]:
        """The question as JSON, with the name of its kind under `kind`."""
        ...

    def read(self, value: Any) -> A_co:
        """The host's JSON answer as a value."""
        ...


@dataclass(frozen=True, slots=True)
class _Wired:
    def wire(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Single(_Wired):
    def read(self, value: Any) -> Answer:
        return read_answer(value)


@dataclass(frozen=True, slots=True)
class ReadFile(_Single):
    """The content of one file."""

    path: str


@dataclass(frozen=True, slots=True)
class PythonVersion(_Single):
    """The version of the Python that answers."""


@dataclass(frozen=True, slots=True)
class HashFile(_Single):
    """The SHA-256 of one file in hexadecimal, for content too large or too binary to carry."""

    path: str


@dataclass(frozen=True, slots=True)
class RunCommand(_Single):
    """Standard output of a command that observes; an exit code outside `accept` makes it unreadable."""

    argv: tuple[str, ...]
    accept: tuple[int, ...] = (0,)
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class DockerGet(_Single):
    """The body of a `GET` at the Docker API; absent when there is no socket or no such object."""

    path: str


@dataclass(frozen=True, slots=True)
class DockerGetEach(_Single):
    """A JSON list of details: `each` fetched for the items of the list at `path`, `{}` being an item's key.

    Only items are fetched in whose own JSON the regular expression `matching` is found, so that a host with
    a thousand containers is not asked a thousand questions.
    """

    path: str
    key: str
    each: str
    matching: str


@dataclass(frozen=True, slots=True)
class RegistryLogins(_Single):
    """Which registries a docker `config.json` holds logins for, without the logins.

    The answer is JSON; each login's secret is replaced by `HMAC-SHA256(nonce, secret)`, so that it can be
    compared with a known one and neither travels nor can be printed.
    """

    path: str
    nonce: str


@dataclass(frozen=True, slots=True)
class FileSystem(_Single):
    """Size and use of the file system that holds a path, as JSON: bytes and inodes."""

    path: str


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Files that were looked for by what stands in them."""

    files: Mapping[str, Answer]
    """By path: those that hold it, those that name a script which does, and these scripts."""
    scripts: Mapping[str, tuple[str, ...]]
    """Which of these scripts a file names, by the file's path."""


@dataclass(frozen=True, slots=True)
class SearchFiles(_Wired):
    """Files among `globs` in which the regular expression `matching` is found, as are scripts they name.

    A script is a file that begins with `#!`, named by its absolute path. One level of them is looked at.
    """

    globs: tuple[str, ...]
    matching: str

    def read(self, value: Any) -> FoundFiles:
        """The files that were found."""
        return FoundFiles(
            files={path: read_answer(answer) for path, answer in value["files"].items()},
            scripts={path: tuple(named) for path, named in value["scripts"].items()},
        )


@dataclass(frozen=True, slots=True)
class FoundUnits:
    """What `SearchUnits` found."""

    shown: Answer
    scripts: Mapping[str, Answer]
    """Scripts, by path, in which the expression was found."""


@dataclass(frozen=True, slots=True)
class SearchUnits(_Wired):
    """Service units in `folders` found as by `SearchFiles`, and what systemd makes of them.

    Programs in `apart_from` are not looked into.

    `shown` is `systemctl show` of these services and of every timer, path unit and enabled instance in
    `folders`, with `properties`. It is systemd that knows about drop-ins, overrides and masks.
    """

    folders: tuple[str, ...]
    matching: str
    apart_from: tuple[str, ...]
    properties: tuple[str, ...]

    def read(self, value: Any) -> FoundUnits:
        """The units that were found."""
        return FoundUnits(
            shown=read_answer(value["shown"]),
            scripts={path: read_answer(answer) for path, answer in value["scripts"].items()},
        )


@dataclass(frozen=True, slots=True)
class ListFiles(_Wired):
    """The paths that match `globs`, sorted; symbolic links are listed, not followed."""

    globs: tuple[str, ...]

    def read(self, value: Any) -> tuple[str, ...]:
        """The paths."""
        return tuple(value)


def read_answer(value: Any) -> Answer:
    """An answer from its JSON."""
    if value["is"] == "absent":
        return Absent()
    if value["is"] == "unreadable":
        return Unreadable(value["reason"])
    return Present(
        content=base64.b64decode(value["content"]),
        mode=value.get("mode", 0),
        owner=value.get("owner", ""),
        path=value.get("path", ""),
    )
