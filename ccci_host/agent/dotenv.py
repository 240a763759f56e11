"""The `.env` of an app, read and never evaluated by a shell.

A value may be quoted, may build on an earlier line (`COMPOSE_FILE="$COMPOSE_FILE:compose.db.yml"`), and may
be followed by a comment.
"""

from __future__ import annotations

import re

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def parse(text: str) -> dict[str, str]:
    """The variables that `text` sets; lines that set none are passed over."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        matched = _LINE.match(line)
        if matched:
            name, raw = matched.groups()
            found[name] = _value(raw.strip(), found)
    return found


def exports(text: str) -> dict[str, str]:
    """What `export NAME=value` at the beginning of a line sets in an `abra.sh`."""
    lines = (line for line in text.splitlines() if line.startswith("export "))
    return parse("\n".join(lines))


def _value(raw: str, earlier: dict[str, str]) -> str:
    if raw[:1] == "'":
        return raw[1:].partition("'")[0]
    if raw[:1] == '"':
        raw = re.split(r'(?<!\\)"', raw[1:], maxsplit=1)[0].replace('\\"', '"')
    else:
        raw = re.split(r"\s#", raw, maxsplit=1)[0].strip()
    return _VARIABLE.sub(lambda found: earlier.get(found.group(1) or found.group(2), ""), raw)
