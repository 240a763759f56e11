"""The rate-limit headers: absent and empty are unknown, negative is a figure, and zero is zero."""

from typing import Any

import pytest

from ccci_host.witnesses.buckets import WITNESS, figure, parse
from tests.unit.witnesses.scripted import machine_answering


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("200;w=21600", (200, 21600)),
        ("0;w=21600", (0, 21600)),
        ("-472;w=21600", (-472, 21600)),
        ("100", (100, None)),
        (";w=21600", (None, None)),
        ("", (None, None)),
        (None, (None, None)),
        ("many;w=21600", (None, None)),
    ],
)
def test_a_header_says_a_figure_or_nothing(header: str | None, meant: tuple[int | None, int | None]) -> None:
    assert figure(header) == meant


def answer(account: str | None, remaining: str | None, status: int = 200) -> dict[str, Any]:
    headers = {
        "ratelimit-limit": "200;w=21600",
        "ratelimit-remaining": remaining,
        "docker-ratelimit-source": "10.0.0.2",
    }
    return {"account": account, "status": status, "headers": headers}


def test_both_buckets_are_asked_in_one_round_trip() -> None:
    said = {"buckets": [answer("me", "180;w=21600"), answer(None, "7;w=21600")]}
    machine, asked = machine_answering({"registry": said})
    seen = WITNESS.look(machine, "start", 0)
    assert [(one.account, one.limit, one.remaining, one.problem) for one in seen.buckets] == [
        ("me", 200, 180, None),
        (None, 200, 7, None),
    ]
    [(_, payload)] = asked
    assert [one["as"] for one in payload["buckets"]] == ["account", "anonymous"]
    assert payload["agent"] == "ccci-host"


def test_an_unknown_figure_is_a_problem_of_its_bucket_alone() -> None:
    seen = parse({"buckets": [answer("me", ";w=21600"), answer(None, None)]}, "start", 0)
    assert [(one.remaining, one.uncounted) for one in seen.buckets] == [(None, False), (None, False)]
    assert seen.problem is None
    assert seen.buckets[0].problem == "ratelimit-remaining came as ';w=21600': that is no figure"


def test_over_the_limit_still_says_how_far() -> None:
    [one] = parse({"buckets": [answer("me", "-1;w=21600", status=429)]}, "start", 0).buckets
    assert (one.remaining, one.problem, one.uncounted) == (-1, None, False)


def test_an_answer_without_the_headers_is_of_an_account_that_is_not_counted() -> None:
    silent = {"ratelimit-limit": None, "ratelimit-remaining": None, "docker-ratelimit-source": None}
    [one] = parse({"buckets": [{"account": "me", "status": 200, "headers": silent}]}, "start", 0).buckets
    assert (one.uncounted, one.remaining) == (True, None)


@pytest.mark.parametrize("status", [429, 401, 503])
def test_pulls_count_where_the_registry_does_not_answer(status: int) -> None:
    [one] = parse({"buckets": [answer("me", None, status=status)]}, "start", 0).buckets
    assert not one.uncounted


def test_a_refused_login_is_the_problem_of_the_accounts_bucket() -> None:
    said = {"buckets": [{"problem": "401: incorrect username or password", "refused": True}]}
    assert parse(said, "start", 0).buckets[0].problem == "401: incorrect username or password"


def test_a_host_that_cannot_ask_is_the_problem_of_both() -> None:
    seen = parse({"problem": "docker's configuration cannot be read"}, "start", 0)
    assert (seen.buckets, seen.problem) == ((), "docker's configuration cannot be read")
