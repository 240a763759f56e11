"""Where this machine's packages come from, read so that a neighbouring suite can be derived.

The lab names no mirror. A suite that the machine lacks (backports on Debian 12, another release for the CI
host image) is asked of the same place as the suite that it has. Formats: sources.list(5), both of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ccci_host.errors import HostError

_ONE_LINE_OPTIONS = {"arch": "Architectures", "lang": "Languages", "target": "Targets", "pdiffs": "PDiffs"}
"""Options whose names differ between the formats; the others differ in their capitals only."""


@dataclass(frozen=True, slots=True)
class Source:
    """One entry: the places it names, the suites and components asked of them, and its options."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def render(self) -> str:
        """The entry as a deb822 stanza."""
        lines = {
            "Types": "deb",
            "URIs": " ".join(self.uris),
            "Suites": " ".join(self.suites),
            "Components": " ".join(self.components),
            **self.options,
        }
        return "".join(f"{name}: {value}\n" for name, value in lines.items())


def read(etc_apt: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """Every enabled entry for binary packages, in the order in which apt reads the files."""
    parts = sorted((etc_apt / "sources.list.d").glob("*"))
    files = [etc_apt / "sources.list", *(part for part in parts if part.suffix in {".list", ".sources"})]
    found: list[Source] = []
    for file in files:
        if file.is_file():
            text = file.read_text()
            found.extend(parse_deb822(text) if file.suffix == ".sources" else parse_one_line(text))
    return tuple(found)


def derive(sources: Iterable[Source], *, have: str, want: str) -> Source:
    """An entry for the suite `want`, from the place that offers the suite `have`.

    Raises `HostError` when no entry offers `have` with the component `main`.
    """
    for source in sources:
        if have in source.suites and "main" in source.components:
            return replace(source, suites=(want,), components=("main",))
    raise HostError(
        f"This machine's apt sources have no entry for {have}/main, so {want} cannot be derived from one.",
        resolution=f"Add Debian's {have} to /etc/apt/sources.list.d/, or {want} itself.",
    )


def parse_one_line(text: str) -> Iterator[Source]:
    """The entries of a `.list` file."""
    for line in text.splitlines():
        words = line.partition("#")[0].replace("[", " [ ").replace("]", " ] ").split()
        if not words or words.pop(0) != "deb":
            continue
        options: dict[str, str] = {}
        if words and words[0] == "[":
            end = words.index("]")
            for option in words[1:end]:
                name, _, value = option.partition("=")
                name = _ONE_LINE_OPTIONS.get(name, name.title())
                options[name] = " ".join(value.split(","))
            words = words[end + 1 :]
        uri, suite, *components = words
        yield Source((uri,), (suite,), tuple(components), options)


def parse_deb822(text: str) -> Iterator[Source]:
    """The entries of a `.sources` file."""
    for fields in _stanzas(text):
        if "deb" not in fields.pop("types", "").split() or fields.pop("enabled", "yes").lower() == "no":
            continue
        uris, suites, components = (
            tuple(fields.pop(name, "").split()) for name in ("uris", "suites", "components")
        )
        yield Source(uris, suites, components, {name.title(): value for name, value in fields.items()})


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Each stanza's fields, names in lower case. Values keep continuation lines: an inline key has them."""
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0].isspace() and name:
            fields[name] += "\n" + line.rstrip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
