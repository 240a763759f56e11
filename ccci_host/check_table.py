"""The table of docs/verification.md: which check decides which sentence, by what, and what it has caught."""

import json
from pathlib import Path

from ccci_host import checkout
from ccci_host.alone import alone
from ccci_host.checks import all_checks
from ccci_host.checks.registry import PC
from ccci_host.generated import refresh

PART = "checks"
TITLES: dict[PC, str] = {
    "PC1": "PC1: conservative prune",
    "PC2": "PC2: retained and authenticated",
    "PC3": "PC3: proven",
    "reboot": "Retention across a reboot",
    "run": "The run itself",
}


def as_markdown(faults: Path = checkout.FAULT_ROWS) -> str:
    """A section for each part of the definition of done, a row for each check."""
    catches = _catches(faults)
    sections = []
    for pc, title in TITLES.items():
        rows = [item for item in all_checks() if item.pc == pc]
        sections += [
            f"### {title}",
            "",
            "| sentence | check | witnesses | decides | seen to catch |",
            "|---|---|---|---|---|",
        ]
        sections += [
            f"| {item.sentence} | `{item.name}` | {', '.join(item.witnesses)} | {', '.join(item.tasks)} | "
            f"{', '.join(catches.get(item.name, ['–']))} |"
            for item in rows
        ]
        sections.append("")
    return "\n".join(sections)


def _catches(faults: Path) -> dict[str, list[str]]:
    """The faults that each check answered for as it must; those that are to pass teach nothing here."""
    rows = json.loads(faults.read_text()) if faults.exists() else []
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["as_expected"] and row["expected"] != "PASS":
            found.setdefault(row["check"], set()).add(row["name"])
    return {check: sorted(names) for check, names in found.items()}


def write(path: Path, faults: Path = checkout.FAULT_ROWS) -> bool:
    """Make the table in the file at `path` anew; whether that changed it."""
    with alone(faults.parent):  # from before the rows are read
        return refresh(path, PART, as_markdown(faults))


def main() -> None:
    """Make the table of this checkout's docs/verification.md anew."""
    write(checkout.DOCS / "verification.md")


if __name__ == "__main__":
    main()
