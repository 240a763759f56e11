"""Moments: the daemon's RFC 3339 strings, epoch seconds, and how both are shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

HOUR = 3600.0
DAY = 24 * HOUR

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$")


def parse_moment(value: Any) -> Optional[float]:
    """Epoch seconds of an RFC 3339 time, with Docker's nine decimals; None for anything else.

    Docker's zero time (year 1) is None as well: it means that there is none.
    """
    found = _RFC3339.match(value) if isinstance(value, str) else None
    if not found:
        return None
    day, time, fraction, zone = found.groups()
    try:
        moment = datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    if moment.year < 1970:
        return None
    seconds = moment.timestamp() + float(fraction or 0)
    if zone and zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        digits = zone[1:].replace(":", "")
        seconds -= sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])).total_seconds()
    return seconds


def show(moment: float) -> str:
    """A moment for people and machines: UTC, ISO 8601, to the second."""
    try:
        shown = datetime.fromtimestamp(moment, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return "a time out of range"
    return shown.strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """A length of time in the largest unit that leaves at least two of it: `3 d`, `40 h`, `90 s`."""
    for unit, size in (("d", DAY), ("h", HOUR), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
