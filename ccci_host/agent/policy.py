"""The policy file: when disk is short, how old is old, what is kept whatever happens.

    {"high_watermark": 80, "low_watermark": 70, "young": "72h", "idle_after": "30d",
     "keep": ["debian", "ghcr.io/coop/*"], "recipe_roots": ["/root/.abra/recipes"]}

Watermarks are percent of a file system. Ages are seconds, or a string with a unit (`s`, `m`, `h`, `d`);
`idle_after` may be `"never"`. A key that is missing has its default; an unknown key or a value that means
nothing makes the whole policy unreadable, and then nothing is deleted.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .clock import DAY, HOUR
from .problem import UnreadableError
from .references import digest_of

NEVER = "never"
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])$")
_UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY}


@dataclass(frozen=True)
class Policy:
    """A valid policy. Ages in seconds, watermarks in percent."""

    high_watermark: float = 80.0
    low_watermark: float = 70.0
    young: float = 72 * HOUR
    idle_after: Optional[float] = 30 * DAY
    """None is `"never"`."""
    keep: tuple[str, ...] = ()
    recipe_roots: tuple[str, ...] = ()


def load(path: str) -> Policy:
    """The policy in the file at `path`; raises `UnreadableError` when it is absent or broken."""
    try:
        text = Path(path).read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"policy: {path} cannot be read ({error}).") from None
    return parse(text, where=path)


def sha256(path: str) -> str:
    """The SHA-256 of the policy file, for `status`; empty when it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def parse(text: str, *, where: str = "the policy") -> Policy:
    """The policy that `text` says; raises `UnreadableError` with every problem of it."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"policy: {where} is not JSON ({error}).") from None
    if not isinstance(raw, dict):
        raise UnreadableError(f"policy: {where} is no JSON object.")
    problems = [f"unknown key {key!r}" for key in sorted(set(raw) - set(_READERS))]
    values: dict[str, Any] = {}
    for key, read in _READERS.items():
        if key in raw:
            try:
                values[key] = read(raw[key])
            except ValueError as error:
                problems.append(f"{key} {error}")
    if not problems:
        policy = Policy(**values)
        if policy.low_watermark < policy.high_watermark:
            return policy
        problems.append("low_watermark must be below high_watermark")
    raise UnreadableError(f"policy: {where}: {'; '.join(problems)}.")


def render(
    *,
    high_watermark: float,
    low_watermark: float,
    young: float,
    idle_after: Optional[float],
    keep: tuple[str, ...] = (),
    recipe_roots: tuple[str, ...] = (),
) -> str:
    """The text of a policy file; ages in seconds, `idle_after` None for never."""
    document = {
        "high_watermark": high_watermark,
        "low_watermark": low_watermark,
        "young": young,
        "idle_after": NEVER if idle_after is None else idle_after,
        "keep": list(keep),
        "recipe_roots": list(recipe_roots),
    }
    text = json.dumps(document, indent=2) + "\n"
    parse(text)
    return text


def _percent(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 100:
        raise ValueError("must be a number of percent between 0 and 100")
    return float(value)


def _age(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        found = _AGE.match(value.strip()) if isinstance(value, str) else None
        if not found:
            raise ValueError('must be an age: seconds, or text such as "72h" or "30d"')
        seconds = float(found.group(1)) * _UNITS[found.group(2)]
    if not 0 < seconds < math.inf:
        raise ValueError("must be an age above 0")
    return seconds


def _age_or_never(value: Any) -> Optional[float]:
    return None if value == NEVER else _age(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError("must be a list of texts")
    return tuple(item.strip() for item in value)


def keep_pattern(text: str) -> str:
    """`text`, one of `keep`; raises `ValueError` for a digest that is not whole: it would keep nothing."""
    if ("@" in text or text.startswith("sha256:")) and not digest_of(text):
        raise ValueError(f"has {text!r}: a digest is whole (sha256: and 64 digits), and no pattern")
    return text


def _keeps(value: Any) -> tuple[str, ...]:
    return tuple(map(keep_pattern, _texts(value)))


def _folders(value: Any) -> tuple[str, ...]:
    folders = _texts(value)
    if not all(folder.startswith("/") for folder in folders):
        raise ValueError("must be a list of absolute paths")
    return folders


_READERS = {
    "high_watermark": _percent,
    "low_watermark": _percent,
    "young": _age,
    "idle_after": _age_or_never,
    "keep": _keeps,
    "recipe_roots": _folders,
}
