"""The matrix of docs/verification.md: what each fault came to, the last time that it was tried on each store.

The rows of the last tries are kept in machine-docs/faults.json, so that trying a few faults again renews
their rows alone.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from ccci_host import check_table, checkout
from ccci_host.alone import alone
from ccci_host.generated import refresh, replace_file
from ccci_host.verify_faults import Row

PART = "faults"
PAGE = checkout.DOCS / "verification.md"
STORES = ("classic", "containerd")

_ROWS = TypeAdapter(tuple[Row, ...])


def record(rows: Sequence[Row], kept: Path = checkout.FAULT_ROWS, docs: Path = PAGE) -> None:
    """Let `rows` stand in the place of those that tell of the same fault on the same store, in both files.

    The table of the checks in `docs`, which names the faults that each was seen to catch, is made anew, too.
    """
    with alone(kept.parent):  # two hosts may be tried at once, by two commands
        known = {(row.name, row.store): row for row in _read(kept)}
        known.update({(row.name, row.store): row for row in rows})
        now = tuple(known[key] for key in sorted(known))
        replace_file(
            kept, json.dumps([row.model_dump(mode="json", exclude={"why"}) for row in now], indent=1) + "\n"
        )
        refresh(docs, PART, as_markdown(now))
        check_table.write(docs, kept)


def as_markdown(rows: Sequence[Row]) -> str:
    """A line for each fault, with its verdict on either store."""
    if not rows:
        return "None was tried yet: `invoke verify --faults` does it, on a disposable host."
    by_name: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, {})[row.store] = row
    lines = [
        "| fault | what it does | expected | by the check | classic | containerd |",
        "|---|---|---|---|---|---|",
    ]
    for name, on in sorted(by_name.items()):
        one = next(iter(on.values()))
        seen = " | ".join(_cell(on.get(store)) for store in STORES)
        lines.append(f"| {name} | {one.what} | {one.expected} | `{one.check}` | {seen} |")
    days = sorted({row.tried for row in rows})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    lines += ["", f"{len(rows)} rows, {sum(row.as_expected for row in rows)} as expected. Tried {when}."]
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    return str(row.verdict) if row.as_expected else f"**{row.verdict or 'none'}**, not as expected"


def _read(kept: Path) -> tuple[Row, ...]:
    return _ROWS.validate_json(kept.read_bytes()) if kept.exists() else ()
