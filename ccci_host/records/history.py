"""A history: the records of one run, in the order in which they were written."""

from typing import Annotated, TypeVar

from pydantic import Field

from ccci_host.records.agent import (
    AgentSeen,
    CredentialSeen,
    LeaseSeen,
    PlanSeen,
    PrunersSeen,
    SweepSeen,
    TicksSeen,
)
from ccci_host.records.base import Moment, Phase, Record
from ccci_host.records.boot import BackSeen, BootSeen, RebootDone
from ccci_host.records.controls import ColdPullControl, EvictionControl, PinControl, TagControl
from ccci_host.records.deploy import Deployed, Deployment, RecipeChosen, TornDown
from ccci_host.records.network import BucketsSeen, EventsSeen, InterfaceSeen, NoiseSeen, RequestsSeen
from ccci_host.records.run import (
    Cleanup,
    Finished,
    HostSeen,
    Interrupted,
    Leftovers,
    Note,
    PhaseBegan,
    PhaseEnded,
    Started,
    StrangersSeen,
)
from ccci_host.records.store import ManifestsSeen, StoreSeen

Event = Annotated[
    Started
    | HostSeen
    | RecipeChosen
    | PhaseBegan
    | PhaseEnded
    | Deployed
    | TornDown
    | StoreSeen
    | ManifestsSeen
    | NoiseSeen
    | InterfaceSeen
    | RequestsSeen
    | EventsSeen
    | BucketsSeen
    | BootSeen
    | RebootDone
    | BackSeen
    | AgentSeen
    | PrunersSeen
    | LeaseSeen
    | PlanSeen
    | SweepSeen
    | TicksSeen
    | CredentialSeen
    | StrangersSeen
    | EvictionControl
    | PinControl
    | TagControl
    | ColdPullControl
    | Interrupted
    | Leftovers
    | Cleanup
    | Note
    | Finished,
    Field(discriminator="kind"),
]
"""Everything that may stand in a history, told apart by `kind`."""

E = TypeVar("E", bound=Record)


class Entry(Record):
    """One line of a history."""

    seq: int
    """From 1, without a gap."""
    at: str
    """UTC, ISO 8601 with microseconds: the controller's clock."""
    event: Event


class History(Record):
    """What was done and seen in one run."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with the file itself: a line cut off, a number missing, a record unknown."""
    sha256: str = ""
    """Of the file as it was read."""

    def of(self, kind: type[E]) -> tuple[E, ...]:
        """All records of that type, in order."""
        return tuple(entry.event for entry in self.entries if isinstance(entry.event, kind))

    def first(self, kind: type[E]) -> E | None:
        """The first record of that type."""
        return next(iter(self.of(kind)), None)

    def last(self, kind: type[E]) -> E | None:
        """The last record of that type."""
        return next(reversed(self.of(kind)), None)

    def at(self, kind: type[E], moment: Moment, cycle: int) -> E | None:
        """The last record of that type looked at in `moment` of `cycle`."""
        fitting = [
            record
            for record in self.of(kind)
            if getattr(record, "moment", None) == moment and getattr(record, "cycle", None) == cycle
        ]
        return fitting[-1] if fitting else None

    def during(self, kind: type[E], phase: Phase, cycle: int) -> E | None:
        """The last record of that type made in `phase` of `cycle`."""
        fitting = [
            record
            for record in self.of(kind)
            if getattr(record, "phase", None) == phase and getattr(record, "cycle", None) == cycle
        ]
        return fitting[-1] if fitting else None

    def deployment(self, phase: Phase, cycle: int) -> Deployment | None:
        """What was deployed in that phase, when it converged."""
        deployed = self.during(Deployed, phase, cycle)
        return deployed.deployment if deployed else None

    @property
    def cycles(self) -> tuple[int, ...]:
        """The numbers of the cycles that were begun; cycle 0 is what stands before and after them all."""
        return tuple(sorted({record.cycle for record in self.of(PhaseBegan) if record.cycle}))

    @property
    def complete(self) -> bool:
        """Whether the file is whole and the run came to its end."""
        return not self.problems and bool(self.entries) and isinstance(self.entries[-1].event, Finished)
