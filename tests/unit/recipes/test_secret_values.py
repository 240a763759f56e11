"""Secrets as the comments say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccci_host.recipes.secret_values import ALNUM, CHARSETS, DEFAULT_LENGTH, MOST, generate, is_for_a_person


@pytest.mark.parametrize("charset", CHARSETS)
def test_length_and_charset(charset: str) -> None:
    value = generate({"length": "200", "charset": charset}).reveal()
    assert len(value) == 200
    assert set(value) <= set(CHARSETS[charset])


def test_charsets_join() -> None:
    value = generate({"length": "2000", "charset": "Numeric, upper"}).reveal()
    assert set(value) == set(CHARSETS["numeric"] + CHARSETS["upper"])


@pytest.mark.parametrize("modifiers", [{}, {"length": "many"}, {"length": "0"}, {"charset": "klingon"}])
def test_what_is_not_said_or_not_known_is_the_default(modifiers: dict[str, str]) -> None:
    value = generate(modifiers).reveal()
    assert len(value) == DEFAULT_LENGTH
    assert set(value) <= set(ALNUM)


@settings(max_examples=20)
@given(st.integers(min_value=1, max_value=2 * MOST))
def test_the_length_is_kept_up_to_a_bound(length: int) -> None:
    assert len(generate({"length": str(length)}).reveal()) == min(length, MOST)


def test_no_value_comes_twice_and_none_shows_itself() -> None:
    one, other = generate({}), generate({})
    assert one != other
    assert one.reveal() not in f"{one} {one!r}"


@pytest.mark.parametrize(
    ("said", "answer"), [("false", True), ("False", True), ("true", False), (None, False)]
)
def test_generate_false_is_for_a_person(said: str | None, answer: bool) -> None:
    assert is_for_a_person({} if said is None else {"generate": said}) is answer
