"""The two rate-limit buckets of Docker Hub, the account's and the anonymous one of the host's address.

Whichever went down between two looks has paid. Cannot tell our pulls from another's that share the account
or the address, and knows nothing where the headers are absent or empty (fact 14).
"""

import re
from typing import Any

from ccci_host.records import Bucket, BucketsSeen, Moment
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.registries import ask

REPOSITORY, TAG = "ratelimitpreview/test", "latest"
"""The image that Docker Hub's documentation offers for reading one's limits."""

NO_FIGURE = "that is no figure"
"""What is said of a header that came without a count, or not at all, with an answer of the registry's."""

FIGURES = ("ratelimit-limit", "ratelimit-remaining")
_FIGURE = re.compile(r"^(-?\d+)(?:;w=(\d+))?$")


class BucketsWitness:
    """Reads both buckets, from the CI host, in one round trip."""

    moments: frozenset[Moment] = frozenset(
        {"start", "deployed", "torn-down", "redeployed", "finally-torn-down", "cold-pulled"}
    )

    def look(self, machine: Machine, moment: Moment, cycle: int) -> BucketsSeen:
        """The buckets now."""
        wanted = [{"as": who, "repository": REPOSITORY, "tag": TAG} for who in ("account", "anonymous")]
        return parse(ask(machine, buckets=wanted), moment, cycle)


def parse(said: dict[str, Any], moment: Moment, cycle: int) -> BucketsSeen:
    """The record of what the host program said."""
    if "problem" in said:
        return BucketsSeen(moment=moment, cycle=cycle, problem=said["problem"])
    return BucketsSeen(
        moment=moment, cycle=cycle, buckets=tuple(_bucket(answer) for answer in said["buckets"])
    )


def _bucket(answer: dict[str, Any]) -> Bucket:
    account = answer.get("account")
    if "problem" in answer:
        return Bucket(account=account, problem=answer["problem"])
    headers = answer["headers"]
    limit, window = figure(headers["ratelimit-limit"])
    remaining, _ = figure(headers["ratelimit-remaining"])
    problem = None
    if answer["status"] not in (200, 429):
        problem = f"the registry answered {answer['status']}"
    elif remaining is None:
        problem = f"ratelimit-remaining came as {headers['ratelimit-remaining']!r}: {NO_FIGURE}"
    return Bucket(
        account=account,
        uncounted=answer["status"] == 200 and not any(headers[name] for name in FIGURES),
        limit=limit,
        remaining=remaining,
        window_seconds=window,
        source=headers["docker-ratelimit-source"],
        problem=problem,
    )


def figure(header: str | None) -> tuple[int | None, int | None]:
    """Count and window in seconds of a header such as `200;w=21600`; None for what it does not say."""
    found = _FIGURE.match((header or "").strip())
    if not found:
        return None, None
    return int(found[1]), int(found[2]) if found[2] else None


WITNESS = BucketsWitness()
