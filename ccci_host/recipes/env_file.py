"""Reads an app's `.env` and the exports of a recipe's `abra.sh`. Nothing is ever evaluated by a shell.

The dialect is that of Co-op Cloud's `.env.sample` files: dotenv, where a value
may build on an earlier line and the comment behind it may carry meaning.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ccci_host.errors import ConfigError

ASSIGNMENT = re.compile(
    r"[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][A-Za-z0-9_.]*)[^\S\n]*(?:=|:(?=[^\S\n]))[^\S\n]*"
)
REFERENCE = re.compile(r"\\\$|\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Z_][A-Z0-9_]*))")
"""`$2y$05$…` of a password hash is none: a bare name is in capitals."""
MODIFIER = re.compile(r"([a-z_]+)=(\S*?[^\s,;.])(?=[,;.]*(?:\s|$)|[,;][a-z_]+=)")
"""A comma inside a value is its own; one that ends a clause, or comes before the next modifier, is not."""
EXPORT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FUNCTION = re.compile(r"(?:function\s+\S+|[\w:.-]+\s*\(\s*\))\s*(?:\(\s*\)\s*)?\{?")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What an `.env` says."""

    values: Mapping[str, str]
    modifiers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By variable, what the comment behind it says: `# length=32 charset=alnum`."""
    not_understood: tuple[str, ...] = ()
    """Lines that are no assignment, as `line 7`: what stands there may belong to a secret."""


def parse_env(text: str, *, fixed: Mapping[str, str] | None = None, name: str = ".env") -> EnvFile:
    """The variables in `text`, in their order.

    A variable of `fixed` has its value from the start and keeps it, whatever the file says. Single quotes
    keep a value as it is; double quotes and bare values may refer to earlier variables, and one that was not
    set is empty. Raises `ConfigError` when a quote is not closed; messages call the file `name`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    fixed = fixed or {}
    values = dict(fixed)
    modifiers: dict[str, Mapping[str, str]] = {}
    strange: list[str] = []
    position = 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end].strip()
        assignment = ASSIGNMENT.match(text, position)
        if not line or line.startswith("#") or line == "---":
            position = end + 1
        elif assignment is None:
            strange.append(f"line {text.count(chr(10), 0, position) + 1}")
            position = end + 1
        else:
            key = assignment[1]
            value, comment, position = _value(text, assignment.end(), values, name)
            values[key] = fixed.get(key, value)
            modifiers[key] = dict(MODIFIER.findall(comment))
    return EnvFile(values, {key: found for key, found in modifiers.items() if found}, tuple(strange))


def written(values: Mapping[str, str]) -> str:
    """`values` as an `.env` that `parse_env`, and any dotenv, reads as just these."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    if "'" not in value and "\n" not in value and "\r" not in value:
        return f"'{value}'"
    escapes = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(sign, sign) for sign in value) + '"'


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _value(text: str, start: int, known: Mapping[str, str], name: str) -> tuple[str, str, int]:
    """The value at `start`, the comment behind it, and where the next line begins."""
    quote = text[start : start + 1]
    if quote in ("'", '"'):
        close = _closing(text, start)
        if close is None:
            raise ConfigError(
                f"A quote in {name} is opened and not closed.",
                details=f"line {text.count(chr(10), 0, start) + 1}",
                resolution=f"Close the {quote} in its line.",
            )
        inside = text[start + 1 : close]
        value = inside if quote == "'" else _expand(_unescape(inside), known)
        end = _line_end(text, close)
        # What directly follows a closing quote belongs to the value, as `"$A":b` does for every shell.
        more, comment = _split_comment(text[close + 1 : end])
        return value + _expand(more.rstrip(), known), comment, end + 1
    end = _line_end(text, start)
    bare, comment = _split_comment(text[start:end])
    return _expand(bare.strip(), known), comment, end + 1


def _closing(text: str, start: int) -> int | None:
    position = start + 1
    while position < len(text):
        if text[position] == "\\" and text[start] == '"':
            position += 2
            continue
        if text[position] == text[start]:
            return position
        position += 1
    return None


def _split_comment(rest: str) -> tuple[str, str]:
    """A `#` begins a comment at the start or behind white space; elsewhere it is part of the value."""
    found = re.search(r"(?:^|\s)#", rest)
    return (rest, "") if found is None else (rest[: found.start()], rest[found.end() :])


def _unescape(inside: str) -> str:
    return re.sub(
        r"\\([nrt\"\\])", lambda found: {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1]), inside
    )


def _expand(value: str, known: Mapping[str, str]) -> str:
    def replaced(found: re.Match[str]) -> str:
        return "$" if found[0].startswith("\\") else known.get(found[1] or found[2], "")

    return REFERENCE.sub(replaced, value)


def parse_exports(text: str) -> dict[str, str]:
    """The versions that an `abra.sh` exports: `export APP_ENTRYPOINT_VERSION=v4`, several a line too.

    Only what stands outside functions and is plain text counts; a value that a shell would have to compute
    (`$(…)`, back-ticks, `$NAME`) is not ours to know and is left out.
    """
    exports: dict[str, str] = {}
    depth = 0
    for line in text.replace("\r\n", "\n").replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if depth == 0 and stripped.startswith("export "):
            for word in _words(stripped.removeprefix("export ")):
                key, equals, value = word.partition("=")
                if equals and EXPORT.fullmatch(key) and not any(sign in value for sign in "$`"):
                    exports[key] = value
        elif line.startswith("}"):
            depth = 0  # the end of a function, whatever its here-documents held
        elif depth or stripped.startswith("{") or FUNCTION.match(stripped):
            depth = max(0, depth + stripped.count("{") - stripped.count("}"))
    return exports


def _words(line: str) -> list[str]:
    """The words of one line of shell, unquoted; ends at a comment, `;` or `&&`."""
    words: list[str] = []
    for found in re.finditer(r"""(?:[^\s'"#;&|]|(?<=\S)#|'[^']*'|"[^"]*")+|[#;&|].*""", line):
        if found[0][0] in "#;&|":
            break
        words.append(re.sub(r"""'([^']*)'|"([^"]*)\"""", lambda part: part[1] or part[2] or "", found[0]))
    return words
