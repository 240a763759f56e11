"""The control door: the hub's own switches, on a unix socket that only its owner reaches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccci_host.errors import CcciError
from ccci_host.lab.hub.accounts import AccountBook
from ccci_host.lab.hub.budget import Budget
from ccci_host.lab.hub.doors import Doors
from ccci_host.lab.hub.faults import Fault
from ccci_host.lab.hub.state import LiveState


@dataclass(frozen=True)
class Switches:
    """Everything that can be done to a running hub; each word is a method, its arguments are JSON."""

    fingerprint: str
    book: AccountBook
    state: LiveState
    budget: Budget
    doors: Doors
    request_stop: Callable[[], None]

    async def health(self) -> dict[str, Any]:
        """What is running here."""
        return {
            "fingerprint": self.fingerprint,
            "open": self.doors.are_open,
            "endpoints": self.doors.endpoints,
        }

    async def stop(self) -> None:
        """End the process once this has been answered."""
        self.request_stop()

    async def revoke(self, account: str, pat: str) -> None:
        """Refuse a PAT from now on."""
        self.book.set_revoked(account, pat, True)

    async def restore(self, account: str, pat: str) -> None:
        """Accept a revoked PAT again."""
        self.book.set_revoked(account, pat, False)

    async def rotate(self, account: str, pat: str) -> None:
        """Give a PAT a new value; its file holds it."""
        self.book.rotate(account, pat)

    async def buckets(self) -> dict[str, dict[str, int]]:
        """Limit and remaining requests of every payer that has been seen."""
        return {
            payer: {"limit": self.budget.limit(payer), "remaining": self.budget.remaining(payer)}
            for payer in list(self.state.budget.buckets)
        }

    async def set_limit(self, payer: str, limit: int) -> None:
        """Give a payer (`account:NAME`, `address:IP`) a limit of its own."""
        self.budget.set_limit(payer, limit)

    async def set_remaining(self, payer: str, remaining: int) -> None:
        """Leave a payer so many requests in this window."""
        self.budget.set_remaining(payer, remaining)

    async def set_limits(self, account: int, anonymous: int) -> None:
        """The usual limits of accounts and of source addresses."""
        self.state.budget.account_limit = account
        self.state.budget.anonymous_limit = anonymous

    async def header_mode(self, mode: str) -> None:
        """How the rate-limit headers look: `normal`, `absent`, `empty`, `negative`."""
        checked = self.state.budget.model_validate({"header_mode": mode})
        self.state.budget.header_mode = checked.header_mode

    async def refill(self) -> None:
        """Full buckets, usual limits and headers."""
        self.budget.refill()

    async def mend(self) -> None:
        """Take back whatever an experiment that was cut off may have left, moved tags apart."""
        await self.withdraw_all()
        self.book.mend()
        self.budget.refill()
        await self.doors.open()

    async def set_private(self, repository: str, private: bool) -> None:
        """Hide a repository from everybody but the account that it is named after, or show it."""
        (self.state.private.add if private else self.state.private.discard)(repository)

    async def inject(self, fault: dict[str, Any]) -> int:
        """Put a fault in force; its number."""
        return self.state.faults.inject(Fault.model_validate(fault))

    async def withdraw(self, number: int) -> int:
        """Take a fault out of force; how often it had bitten."""
        return self.state.faults.withdraw(number)

    async def bitten(self, number: int) -> int:
        """How often a fault that is in force has bitten."""
        return self.state.faults.bitten.get(number, 0)

    async def withdraw_all(self) -> None:
        """No fault is in force any more."""
        for number in list(self.state.faults.faults):
            self.state.faults.withdraw(number)

    async def close_doors(self) -> None:
        """The Hub is down: connections are refused."""
        await self.doors.close()

    async def open_doors(self) -> None:
        """The Hub is up again."""
        await self.doors.open()


def control_app(switches: Switches) -> Starlette:
    """The application of the control door: `POST /WORD` with the word's arguments as a JSON object."""

    async def call(request: Request) -> Response:
        word = request.path_params["word"]
        if word not in _WORDS:
            return JSONResponse({"problem": f"unknown word {word}"}, status_code=404)
        method: Callable[..., Awaitable[Any]] = getattr(switches, word)
        try:
            answer = await method(**await request.json())
        except (CcciError, TypeError, ValueError, OSError) as error:
            return JSONResponse({"problem": str(error)}, status_code=400)
        switches.state.save()
        return JSONResponse({"answer": answer})

    return Starlette(routes=[Route("/{word}", call, methods=["POST"])])


_WORDS = frozenset(
    name for name, member in vars(Switches).items() if callable(member) and not name.startswith("_")
)
