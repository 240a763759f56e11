"""What can be made to go wrong at the stand-in: a table of faults, each with what it hits and how often."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["manifest", "config", "layer", "token", "other"]
"""What a request is for, as the access log says it."""


class Fault(BaseModel):
    """One thing that goes wrong. What it leaves None it does not ask about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    effect: Literal["status", "slow", "cut"]
    """Answer with `status`; wait `seconds` first and send `bytes_per_second`; break off half-way."""
    registry: str | None = None
    kind: Kind | None = None
    method: str | None = None
    repository: str | None = None
    account: str | None = None
    times: int | None = Field(default=None, ge=1)
    """How many requests it hits before it is over; None: until it is withdrawn."""
    status: int = 503
    seconds: float = Field(default=0.0, ge=0)
    bytes_per_second: int | None = Field(default=None, ge=1)


class Request(BaseModel):
    """What a fault looks at."""

    model_config = ConfigDict(frozen=True)

    registry: str
    kind: Kind
    method: str
    repository: str | None
    account: str | None


class FaultTable(BaseModel):
    """The faults in force, by number, and how often each of them has bitten."""

    model_config = ConfigDict(extra="forbid")

    faults: dict[int, Fault] = Field(default_factory=dict)
    bitten: dict[int, int] = Field(default_factory=dict)
    last_number: int = 0

    def inject(self, fault: Fault) -> int:
        """Put `fault` in force; its number withdraws it."""
        self.last_number += 1
        self.faults[self.last_number] = fault
        self.bitten[self.last_number] = 0
        return self.last_number

    def withdraw(self, number: int) -> int:
        """Take a fault out of force, if it still is; how often it had bitten."""
        self.faults.pop(number, None)
        return self.bitten.pop(number, 0)

    def strike(self, request: Request) -> Fault | None:
        """The first fault that `request` meets; counted as a bite."""
        for number, fault in self.faults.items():
            spent = fault.times is not None and self.bitten[number] >= fault.times
            if not spent and _meets(fault, request):
                self.bitten[number] += 1
                return fault
        return None


def _meets(fault: Fault, request: Request) -> bool:
    return all(
        getattr(fault, part) in (None, getattr(request, part))
        for part in ("registry", "kind", "method", "repository", "account")
    )
