"""Docker Hub's pull budget: one bucket an account, one a source address for anonymous clients.

A `GET` of a manifest takes one, a `HEAD` none. The headers and the window are Docker Hub's.
"""

import time
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

WINDOW = 21600
"""Seconds in which a bucket's requests count."""

HeaderMode = Literal["normal", "absent", "empty", "negative"]
"""How the headers look: as usual; not there (paid plans); `;w=21600` (hub-feedback#2081); below zero."""

NEGATIVE = -472
"""What `negative` shows as remaining; a figure that was seen at Docker Hub."""


class Bucket(BaseModel):
    """The requests of one payer within the window."""

    model_config = ConfigDict(extra="forbid")

    limit: int | None = None
    """Its own limit; None: the budget's."""
    spent: list[tuple[float, int]] = Field(default_factory=list)
    """Epoch seconds and how many requests; several at once after `set_remaining`."""


class BudgetState(BaseModel):
    """What a budget remembers over a restart."""

    model_config = ConfigDict(extra="forbid")

    account_limit: int = 200
    anonymous_limit: int = 100
    header_mode: HeaderMode = "normal"
    buckets: dict[str, Bucket] = Field(default_factory=dict)


class Budget:
    """Spends, counts and shows the buckets. A payer is `account:NAME` or `address:IP`."""

    def __init__(self, state: BudgetState, *, now: Callable[[], float] = time.time) -> None:
        self.state = state
        self._now = now

    def limit(self, payer: str) -> int:
        """How many requests `payer` has in a window."""
        own = self._bucket(payer).limit
        if own is not None:
            return own
        is_account = payer.startswith("account:")
        return self.state.account_limit if is_account else self.state.anonymous_limit

    def remaining(self, payer: str) -> int:
        """How many requests `payer` has left."""
        bucket = self._bucket(payer)
        bucket.spent = [(at, count) for at, count in bucket.spent if at > self._now() - WINDOW]
        return self.limit(payer) - sum(count for _, count in bucket.spent)

    def spend(self, payer: str) -> None:
        """Take one request."""
        self._bucket(payer).spent.append((self._now(), 1))

    def set_limit(self, payer: str, limit: int) -> None:
        """Give `payer` a limit of its own."""
        self._bucket(payer).limit = limit

    def set_remaining(self, payer: str, remaining: int) -> None:
        """Make `payer` have `remaining` requests left in this window."""
        self._bucket(payer).spent = [(self._now(), self.limit(payer) - remaining)]

    def refill(self) -> None:
        """Every bucket is full again, with the usual limits and headers."""
        usual = BudgetState()
        self.state.buckets.clear()
        self.state.header_mode = usual.header_mode
        self.state.account_limit = usual.account_limit
        self.state.anonymous_limit = usual.anonymous_limit

    def headers(self, payer: str, source: str) -> dict[str, str]:
        """What a manifest's answer says of the bucket that pays; `source`: an address or an account's id."""
        match self.state.header_mode:
            case "absent":
                return {}
            case "empty":
                limit = remaining = f";w={WINDOW}"
            case "negative":
                limit, remaining = f"{self.limit(payer)};w={WINDOW}", f"{NEGATIVE};w={WINDOW}"
            case "normal":
                limit = f"{self.limit(payer)};w={WINDOW}"
                remaining = f"{self.remaining(payer)};w={WINDOW}"
        return {
            "ratelimit-limit": limit,
            "ratelimit-remaining": remaining,
            "docker-ratelimit-source": source,
        }

    def _bucket(self, payer: str) -> Bucket:
        return self.state.buckets.setdefault(payer, Bucket())
