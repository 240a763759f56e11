"""docs/retention.md beside the code: the same gates and rows, in the same order, with the same fates."""

import re
from pathlib import Path

from ccci_host.agent import policy, words
from ccci_host.agent.decide import ROWS
from ccci_host.agent.gates import GATES

PAGE = (Path(__file__).parents[3] / "docs" / "retention.md").read_text()


def table_after(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("|")]
    first = rows[: next((n for n, line in enumerate(rows[2:], 2) if line.startswith("|---")), len(rows))]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in first[2:]]


def test_the_rows_are_those_of_the_page() -> None:
    written = [(row[0].strip("`"), row[2], row[3].split(",")[0]) for row in table_after("Rows")]
    assert written == [(name, row.kind, "goes" if row.goes else "stays") for name, row in ROWS.items()]


def test_the_gates_are_those_of_the_page() -> None:
    assert [row[0].strip("`") for row in table_after("Gates")] == list(GATES)


def test_the_words_are_those_of_the_page() -> None:
    told = {re.findall(r"`(\w+)", row[0])[0] for row in table_after("The agent's words")}
    assert told == set(words.WORDS)


def test_the_policy_is_that_of_the_page() -> None:
    written = table_after("The policy file")
    keys = [key for row in written for key in re.findall(r"`(\w+)`", row[0])]
    assert keys == list(policy.Policy.__dataclass_fields__)
    defaults = policy.Policy()
    ages = {row[0].strip("`"): row[1].strip('`"') for row in written}
    assert policy.parse(f'{{"young": "{ages["young"]}", "idle_after": "{ages["idle_after"]}"}}') == defaults
