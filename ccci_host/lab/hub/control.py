"""The hub's switches from another process: a client of its control door."""

from pathlib import Path
from typing import Any

import httpx

from ccci_host.errors import HostError, UsageError
from ccci_host.lab.hub.budget import HeaderMode
from ccci_host.lab.hub.faults import Fault


class Control:
    """Every word of the control door. Each raises `HostError` when the hub does not run."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def health(self) -> dict[str, Any]:
        """`fingerprint`, whether the doors are `open`, and their `endpoints`."""
        answer = self._call("health")
        assert isinstance(answer, dict)  # noqa: S101 - our own server
        return answer

    def stop(self) -> None:
        """Ask the process to end."""
        self._call("stop")

    def revoke(self, account: str, pat: str) -> None:
        """Refuse a PAT from now on."""
        self._call("revoke", account=account, pat=pat)

    def restore(self, account: str, pat: str) -> None:
        """Accept a revoked PAT again."""
        self._call("restore", account=account, pat=pat)

    def rotate(self, account: str, pat: str) -> None:
        """Give a PAT a new value; its file holds it."""
        self._call("rotate", account=account, pat=pat)

    def buckets(self) -> dict[str, dict[str, int]]:
        """`limit` and `remaining` of every payer seen: `account:NAME`, `address:IP`."""
        answer = self._call("buckets")
        assert isinstance(answer, dict)  # noqa: S101 - our own server
        return answer

    def set_limit(self, payer: str, limit: int) -> None:
        """Give a payer a limit of its own."""
        self._call("set_limit", payer=payer, limit=limit)

    def set_limits(self, *, account: int, anonymous: int) -> None:
        """Set the usual limits, of accounts and of source addresses."""
        self._call("set_limits", account=account, anonymous=anonymous)

    def set_remaining(self, payer: str, remaining: int) -> None:
        """Leave a payer so many requests in this window."""
        self._call("set_remaining", payer=payer, remaining=remaining)

    def header_mode(self, mode: HeaderMode) -> None:
        """Choose how the rate-limit headers look."""
        self._call("header_mode", mode=mode)

    def refill(self) -> None:
        """Full buckets, usual limits and headers."""
        self._call("refill")

    def mend(self) -> None:
        """Take back what an experiment that was cut off may have left: faults, closed doors, revoked PATs.

        The buckets are full again, too. Moved tags are for `images.publish_all` to put back.
        """
        self._call("mend")

    def set_private(self, repository: str, private: bool) -> None:
        """Hide a Docker Hub repository from all but the account that it is named after, or show it."""
        self._call("set_private", repository=repository, private=private)

    def inject(self, fault: Fault) -> int:
        """Put a fault in force; its number."""
        return int(self._call("inject", fault=fault.model_dump()))

    def bitten(self, number: int) -> int:
        """How often a fault that is in force has bitten."""
        return int(self._call("bitten", number=number))

    def withdraw(self, number: int) -> int:
        """Take a fault out of force; how often it had bitten."""
        return int(self._call("withdraw", number=number))

    def withdraw_all(self) -> None:
        """Take every fault out of force."""
        self._call("withdraw_all")

    def close_doors(self) -> None:
        """Let the Hub be down: it refuses connections."""
        self._call("close_doors")

    def open_doors(self) -> None:
        """Let the Hub be up again."""
        self._call("open_doors")

    def _call(self, word: str, **arguments: Any) -> Any:
        transport = httpx.HTTPTransport(uds=str(self._socket))
        try:
            with httpx.Client(transport=transport, trust_env=False, timeout=30) as client:
                answer = client.post(f"http://hub/{word}", json=arguments)
        except httpx.HTTPError as error:
            raise HostError(
                "The Docker Hub stand-in does not answer.",
                details=f"{self._socket}: {error}",
                resolution="Start the lab again: `invoke lab.up`.",
            ) from error
        if answer.status_code != 200:
            raise UsageError(f"The Docker Hub stand-in refused `{word}`.", details=answer.text[:2000])
        return answer.json()["answer"]
