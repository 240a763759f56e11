"""How checks read a history, and how they spell what they name."""

import pytest

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, not_shown, passed, unknown
from ccci_host.checks.reading import (
    count,
    in_each_cycle,
    listed,
    name_of,
    readable_size,
    registry_of,
    repository_of,
)
from ccci_host.verdict import Verdict
from tests.histories import APP, digest, good

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL


def test_an_image_is_called_as_its_recipe_calls_it() -> None:
    assert name_of(APP) == name_of("ccci/app:1.0") == "ccci/app:1.0"


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("nginx", "library/nginx"),
        ("nginx:1", "library/nginx"),
        (f"nginx:1@{digest('a')}", "library/nginx"),
        (f"nginx@{digest('a')}", "library/nginx"),
        ("my.app:1", "library/my.app"),
        ("org/app", "org/app"),
        ("org/app:1", "org/app"),
        ("docker.io/nginx:1", "library/nginx"),
        ("index.docker.io/nginx", "library/nginx"),
        ("docker.io/org/app:1", "org/app"),
        ("ghcr.io/app:1", "app"),
        ("ghcr.io/org/app:1", "org/app"),
        ("ghcr.io/org/team/app", "org/team/app"),
        ("localhost/app:1", "app"),
        ("localhost:5000/app:1", "app"),
        ("registry:5000/org/app", "org/app"),
    ],
)
def test_a_repository_is_spelt_as_a_registrys_log_spells_it(image: str, repository: str) -> None:
    assert repository_of(image) == repository


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nginx:1", "docker.io"),
        ("org/app", "docker.io"),
        ("docker.io/org/app", "docker.io"),
        ("index.docker.io/nginx", "docker.io"),
        ("my.app:1", "docker.io"),
        (f"ghcr.io/app@{digest('a')}", "ghcr.io"),
        ("localhost/app", "localhost"),
        ("registry:5000/app", "registry:5000"),
    ],
)
def test_a_registry_is_the_one_that_a_reference_names(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "none"),
        (1, "1"),
        (2, "1 and 2"),
        (3, "1, 2 and 3"),
        (12, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 12"),
        (13, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 1 more"),
        (20, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 8 more"),
    ],
)
def test_a_list_names_twelve_and_counts_the_rest(number: int, told: str) -> None:
    names = [str(name) for name in range(1, number + 1)]
    assert listed(names) == listed([*names, *names]) == told


def test_one_of_a_thing_is_told_from_several() -> None:
    assert [count(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert [count(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (999_900, "999.9 kB"),
        (1_000_000, "1.0 MB"),
        (-2_500_000, "-2.5 MB"),
        (1_000_000_000, "1.0 GB"),
    ],
)
def test_sizes_are_told_in_the_largest_unit_that_they_fill(size: float, told: str) -> None:
    assert readable_size(size) == told


def of_cycles(*answers: Answer) -> Answer:
    """What is said of a run whose cycles were answered so, from the first."""
    return in_each_cycle(good("verify-pc3", cycles=len(answers)), lambda cycle: answers[cycle - 1])


GOOD = passed("All is there.", "two images")
UNSEEN = not_shown("The log was not read.")
UNCLEAR = unknown("Nobody looked.", "no route", todo="Look.")
BAD = failed("One was lost.", "ccci/db", todo="Find it.")


@pytest.mark.parametrize("answer", [GOOD, UNSEEN, UNCLEAR, BAD])
def test_the_answer_of_one_cycle_is_that_of_the_run(answer: Answer) -> None:
    assert of_cycles(answer) is answer


def test_what_each_cycle_shows_the_run_shows() -> None:
    assert of_cycles(GOOD, GOOD) == passed(
        "All is there. So in each of 2 cycles.",
        "two images",
        "cycle 1: All is there.",
        "cycle 2: All is there.",
    )


@pytest.mark.parametrize("worse", [UNSEEN, UNCLEAR, BAD])
def test_the_first_of_the_worst_cycles_speaks(worse: Answer) -> None:
    said = of_cycles(GOOD, worse, GOOD, worse)
    assert said.verdict is worse.verdict
    assert said.reason == f"Cycle 2 of 4: {worse.reason}"
    assert said.todo == worse.todo
    assert said.details == (
        *worse.details,
        "cycle 1: All is there.",
        f"cycle 2: {worse.reason}",
        "cycle 3: All is there.",
        f"cycle 4: {worse.reason}",
    )


def test_a_cycle_that_could_not_be_asked_is_worse_than_pass_and_better_than_unknown() -> None:
    assert of_cycles(GOOD, UNSEEN).verdict is None
    assert of_cycles(UNSEEN, UNCLEAR).verdict is UNKNOWN
    assert of_cycles(UNSEEN, UNCLEAR, BAD).verdict is FAIL


def test_a_cycle_without_evidence_is_unknown_and_says_what_to_do() -> None:
    def judge(cycle: int) -> Answer:
        if cycle == 2:
            raise NoEvidenceError("Nobody looked.", todo="Look.")
        return GOOD

    said = in_each_cycle(good("verify-pc3", cycles=2), judge)
    assert (said.verdict, said.reason, said.todo) == (UNKNOWN, "Cycle 2 of 2: Nobody looked.", "Look.")
