"""Every fact that is cited by its number stands in docs/facts.md, and the page names files that are there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "facts.md"

ONE = re.compile(r"(?<![\w./-])[Ff]act\s+(\d+)\b")
SEVERAL = re.compile(r"(?<![\w./-])[Ff]acts\s+(\d+(?:,\s+\d+)*,?\s+and\s+\d+)\b")
ENTRY = re.compile(r"^(\d+)\. ", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def cited(text: str) -> set[int]:
    """The numbers in `fact N` and `facts N, M and O`."""
    words = [*ONE.findall(text), *SEVERAL.findall(text)]
    return {int(number) for some in words for number in re.findall(r"\d+", some)}


def citing_files() -> list[Path]:
    """Tracked code and pages, but for the page itself."""
    argv = ["git", "ls-files", "-z", "--", "*.py", "*.md"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path != PAGE and path.is_file()]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It does not change (fact 19).", {19}),
        ("Fact 13: `GET`s of manifests are 2 cold, 3 for an index", {13}),
        ("as facts 1 and 2 say", {1, 2}),
        ("(facts 1, 2, and\n10)", {1, 2, 10}),
        ("a fact\n5", {5}),
        ("from ccci_host.facts 3 and 4; artefact 5; facts/6; facts 7; the 36 facts; fact7", set()),
    ],
)
def test_what_cites_a_fact(text: str, numbers: set[int]) -> None:
    assert cited(text) == numbers


def test_every_fact_that_is_cited_is_on_the_page() -> None:
    entries = {int(number) for number in ENTRY.findall(PAGE.read_text())}
    found = {path.relative_to(ROOT): cited(path.read_text(errors="replace")) for path in citing_files()}
    assert any(found.values()), "nobody cites a fact: is the pattern still right?"
    assert {path: numbers - entries for path, numbers in found.items() if numbers - entries} == {}


def test_the_page_counts_without_gaps() -> None:
    numbers = [int(number) for number in ENTRY.findall(PAGE.read_text())]
    assert numbers == list(range(1, len(numbers) + 1))


def test_what_the_page_names_is_there() -> None:
    text = PAGE.read_text()
    assert cited(text) <= {int(number) for number in ENTRY.findall(text)}
    links = LINK.findall(text)
    assert links
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []
