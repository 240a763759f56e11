"""The policy file: every problem in one message."""

import hashlib
import json
from pathlib import Path

import pytest

from ccci_host.agent.policy import Policy, load, parse, render, sha256
from ccci_host.agent.problem import UnreadableError
from tests.unit.agent.hosts import DAY, HOUR


def test_nothing_said_is_the_page() -> None:
    assert parse("{}") == Policy(80, 70, 72 * HOUR, 30 * DAY, (), ())


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is no JSON object."),
        ('{"high_watermark": 0}', ": high_watermark must be a number of percent between 0 and 100."),
        ('{"high_watermark": 100}', ": high_watermark must be a number of percent between 0 and 100."),
        ('{"high_watermark": true}', ": high_watermark must be a number of percent between 0 and 100."),
        ('{"young": "soon"}', ': young must be an age: seconds, or text such as "72h" or "30d".'),
        ('{"young": 0}', ": young must be an age above 0."),
        ('{"keep": "debian"}', ": keep must be a list of texts."),
        (
            '{"keep": ["app@sha256:12"]}',
            ": keep has 'app@sha256:12': a digest is whole (sha256: and 64 digits), and no pattern.",
        ),
        (
            '{"keep": ["sha256:12*"]}',
            ": keep has 'sha256:12*': a digest is whole (sha256: and 64 digits), and no pattern.",
        ),
        ('{"recipe_roots": ["x"]}', ": recipe_roots must be a list of absolute paths."),
        ('{"low_watermark": 90}', ": low_watermark must be below high_watermark."),
        ('{"b": 1, "a": 2, "keep": 3}', ": unknown key 'a'; unknown key 'b'; keep must be a list of texts."),
    ],
)
def test_a_problem_is_said_with_its_key(text: str, said: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text)
    assert str(caught.value) == "policy: the policy" + (said if said.startswith(":") else f" {said}")


def test_any_percent_between_the_ends_will_do() -> None:
    policy = parse('{"high_watermark": 99.5, "low_watermark": 0.5}')
    assert (policy.high_watermark, policy.low_watermark) == (99.5, 0.5)
    with pytest.raises(UnreadableError):
        parse('{"high_watermark": 100.5}')


def test_idle_after_is_an_age_unless_it_is_never() -> None:
    assert parse('{"idle_after": "12h"}').idle_after == 12 * HOUR


def test_what_is_rendered_is_laid_out_for_a_reader() -> None:
    text = render(high_watermark=90, low_watermark=60, young=60, idle_after=3600, keep=("a",))
    assert text == (
        "{\n"
        '  "high_watermark": 90,\n'
        '  "low_watermark": 60,\n'
        '  "young": 60,\n'
        '  "idle_after": 3600,\n'
        '  "keep": [\n'
        '    "a"\n'
        "  ],\n"
        '  "recipe_roots": []\n'
        "}\n"
    )


def test_a_file_is_read_as_utf_8_and_named_where_it_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    with pytest.raises(UnreadableError, match=rf"^policy: {file} cannot be read \(.*No such file"):
        load(str(file))
    assert sha256(str(file)) == ""
    file.write_bytes(b'{"keep": ["\xff"]}')
    with pytest.raises(UnreadableError, match=rf"^policy: {file} cannot be read \("):
        load(str(file))
    file.write_bytes('{"keep": ["é"]}'.encode())
    assert load(str(file)) == Policy(keep=("é",))
    assert sha256(str(file)) == hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(b"{")
    with pytest.raises(UnreadableError, match=rf"^policy: {file} is not JSON"):
        load(str(file))
