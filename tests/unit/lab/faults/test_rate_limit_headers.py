"""Headers that say nothing are told from a registry that did not answer."""

import pytest

from ccci_host.lab.faults.rate_limit_headers import RateLimitHeaders
from ccci_host.records import BucketsSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import buckets
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine


def answer(remaining: str | None, status: int = 200) -> dict[str, object]:
    headers = {"ratelimit-limit": None, "ratelimit-remaining": remaining, "docker-ratelimit-source": None}
    return {"account": None, "status": status, "headers": headers}


@pytest.mark.parametrize(
    ("said", "present"),
    [
        ({"buckets": [answer(None), answer(None)]}, True),
        ({"buckets": [answer(";w=21600")]}, True),
        ({"buckets": [answer("-472;w=21600")]}, True),
        ({"buckets": [answer("-472;w=21600"), answer("180;w=21600")]}, False),
        ({"buckets": [answer(None, status=503)]}, False),
        ({"buckets": [{"account": None, "problem": "URLError: refused"}]}, False),
        ({"problem": "the host has no Python"}, False),
    ],
)
def test_it_is_present_where_the_host_gets_to_see_it(
    said: dict[str, object], present: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_: object, machine: Machine, moment: str, cycle: int) -> BucketsSeen:
        return buckets.parse(said, "start", cycle)

    monkeypatch.setattr(buckets.BucketsWitness, "look", look)
    assert RateLimitHeaders("absent").is_present(fake_machine(FakeExecutor())) is present
