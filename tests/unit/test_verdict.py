"""PASS < UNKNOWN < FAIL, and no evidence is never PASS."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccci_host.verdict import COULD_NOT_RUN, Verdict, worst

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL


def test_the_worst_of_nothing_is_unknown() -> None:
    assert worst([]) is UNKNOWN
    assert worst(iter(())) is UNKNOWN


@pytest.mark.parametrize("order", list(permutations([PASS, UNKNOWN, FAIL])))
def test_fail_is_worse_than_unknown_and_unknown_than_pass(order: tuple[Verdict, ...]) -> None:
    assert worst(order) is FAIL
    assert worst(verdict for verdict in order if verdict is not FAIL) is UNKNOWN
    assert worst([PASS, PASS]) is PASS


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.lists(st.sampled_from(Verdict), min_size=1))
def test_the_worst_of_parts_is_the_worst_of_all(some: list[Verdict], others: list[Verdict]) -> None:
    assert worst([worst(some), worst(others)]) is worst(some + others)


def test_exit_codes_are_those_that_the_loops_know() -> None:
    assert {verdict: verdict.exit_code for verdict in Verdict} == {PASS: 0, FAIL: 1, UNKNOWN: 2}
    assert COULD_NOT_RUN not in {verdict.exit_code for verdict in Verdict}


def test_a_verdict_reads_as_its_word() -> None:
    assert [f"{verdict}" for verdict in Verdict] == ["PASS", "UNKNOWN", "FAIL"]
