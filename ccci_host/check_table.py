"""The table of docs/verification.md: which check decides which sentence, and by which witnesses."""

from pathlib import Path

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


def as_markdown() -> str:
    """A section for each part of the definition of done, a row for each check."""
    sections = []
    for pc, title in TITLES.items():
        rows = [item for item in all_checks() if item.pc == pc]
        sections += [f"### {title}", "", "| sentence | check | witnesses | decides |", "|---|---|---|---|"]
        sections += [
            f"| {item.sentence} | `{item.name}` | {', '.join(item.witnesses)} | {', '.join(item.tasks)} |"
            for item in rows
        ]
        sections.append("")
    return "\n".join(sections)


def write(path: Path) -> bool:
    """Make the table in the file at `path` anew; whether that changed it."""
    return refresh(path, PART, as_markdown())


def main() -> None:
    """Make the table of this checkout's docs/verification.md anew."""
    write(Path(__file__).resolve().parents[1] / "docs" / "verification.md")


if __name__ == "__main__":
    main()
