"""The policy file: every problem in one message."""

import json

import pytest

from ccci_host.agent.policy import Policy, parse, render
from ccci_host.agent.problem import UnreadableError
from tests.unit.agent.hosts import DAY, HOUR


def test_nothing_said_is_the_page() -> None:
    assert parse("{}") == Policy(80, 70, 72 * HOUR, 30 * DAY)


@pytest.mark.parametrize(
    ("age", "seconds"), [("10s", 10), ("1.5h", 5400), ("2 d", 2 * DAY), (7, 7), (0.5, 0.5), ("3m", 180)]
)
def test_ages(age: object, seconds: float) -> None:
    assert parse(json.dumps({"young": age})).young == seconds


def test_never() -> None:
    assert parse('{"idle_after": "never"}').idle_after is None


def test_every_problem_is_in_one_message() -> None:
    with pytest.raises(UnreadableError) as caught:
        parse('{"high_watermark": 200, "young": "soon", "keep": "debian", "recipe_roots": ["x"], "idel": 1}')
    for said in ("unknown key 'idel'", "high_watermark", "young", "keep", "recipe_roots"):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        '{"low_watermark": 80}',
        '{"young": 0}',
        '{"young": true}',
        '{"young": "never"}',
        '{"idle_after": -1}',
        '{"high_watermark": "80"}',
        '{"keep": [1]}',
        '{"keep": [""]}',
        '{"young": 1e999}',
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="policy: "):
        parse(text)


def test_what_is_rendered_is_read_again() -> None:
    text = render(
        high_watermark=90, low_watermark=60, young=60, idle_after=None, keep=("a",), recipe_roots=("/r",)
    )
    assert parse(text) == Policy(90, 60, 60, None, ("a",), ("/r",))
    with pytest.raises(UnreadableError):
        render(high_watermark=50, low_watermark=60, young=60, idle_after=None)
