"""The daemon's own events about images.

Sees pulls, tags and deletions that the daemon announced. Proves nothing alone: a pull event may mean that
nothing was downloaded, and its absence that nothing was announced (fact 15); the daemon keeps the last 256
events only, in memory, and loses them at a restart (fact 7).
"""

from typing import Any

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.records import DaemonEvent, EventsSeen, Phase
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import DOCKER_SOCKET, source

BUFFER = 256
"""Events that the daemon keeps. As many or more in a stretch: some may be lost."""


class EventsStretch:
    """Remembers the host's clock."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._since = 0.0
        self._problem: str | None = None
        try:
            self._since = float(self._ask(None)["clock"])
        except (CommandFailedError, HostError) as error:
            self._problem = str(error)

    def end(self, phase: Phase, cycle: int) -> EventsSeen:
        """The events since then."""
        if self._problem is not None:
            return EventsSeen(phase=phase, cycle=cycle, problem=self._problem)
        try:
            said = self._ask(self._since)
        except (CommandFailedError, HostError) as error:
            return EventsSeen(phase=phase, cycle=cycle, since=self._since, problem=str(error))
        return parse(said, self._since, phase, cycle)

    def _ask(self, since: float | None) -> dict[str, Any]:
        said: dict[str, Any] = self._machine.run_python(
            source("events"), {"socket": DOCKER_SOCKET, "since": since}
        )
        return said


class EventsWitness:
    """Listens to the daemon, afterwards."""

    def begin(self, machine: Machine) -> EventsStretch:
        """Mark this point of the host's clock."""
        return EventsStretch(machine)


def parse(said: dict[str, Any], since: float, phase: Phase, cycle: int) -> EventsSeen:
    """The record of what the host program said."""
    problem = said.get("problem")
    events = said.get("events", [])
    return EventsSeen(
        phase=phase,
        cycle=cycle,
        since=since,
        until=said["clock"],
        events=tuple(DaemonEvent(**event) for event in events if event["type"] == "image"),
        total=len(events),
        lost=None if problem else len(events) >= BUFFER,
        problem=problem,
    )


WITNESS = EventsWitness()
