"""One run of an experiment: its phases, its looks, its counts, each into the history as it happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ccci_host.errors import CcciError, UnreachableError
from ccci_host.experiments.lease import TimedLease
from ccci_host.experiments.options import Options, PauseBefore, Point
from ccci_host.journal import Journal
from ccci_host.progress import say
from ccci_host.records import Event, Moment, Note, Phase, PhaseBegan, PhaseEnded, PhaseOutcome, StoreSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import moment_witnesses, stretch_witnesses


class Run:
    """What the parts of an experiment share."""

    def __init__(self, machine: Machine, journal: Journal, options: Options) -> None:
        self.machine = machine
        self.options = options
        self._journal = journal
        self.lease: TimedLease | None = None
        """Renewed whenever a phase begins; None until it is taken."""
        self.current: Phase | None = None
        self.stacks: set[str] = set()
        """Stacks that the run may have made and not yet taken away."""
        self.problem: str | None = None
        """Why the run was given up, where that is itself something to judge."""

    def write(self, event: Event) -> None:
        """Into the history."""
        self._journal.write(event)

    @contextmanager
    def phase(self, phase: Phase, cycle: int = 0) -> Iterator[None]:
        """A phase, whose beginning and end are in the history however it ends."""
        if self.lease is not None:
            self.lease.renew()
        self.write(PhaseBegan(phase=phase, cycle=cycle))
        self.current = phase
        began = time.monotonic()
        outcome: PhaseOutcome = "done"
        problem = None
        try:
            self._tell(("before", phase))
            yield
            self.current = None
        except CcciError as error:
            outcome, problem = "failed", str(error)
            raise
        except BaseException as error:
            outcome, problem = "interrupted", f"{type(error).__name__}: {error}"
            raise
        finally:
            seconds = time.monotonic() - began
            ended = PhaseEnded(phase=phase, cycle=cycle, outcome=outcome, seconds=seconds, problem=problem)
            try:
                self.write(ended)
            finally:
                self._tell(("after", phase))

    @contextmanager
    def counted(self, phase: Phase, cycle: int = 0) -> Iterator[None]:
        """A stretch that every counting witness watches; they answer even when what is in it fails."""
        stretches = [witness.begin(self.machine) for witness in stretch_witnesses()]
        try:
            self._tell(("amid", phase))
            yield
            self._tell(("done", phase))
        finally:
            for stretch in reversed(stretches):
                self.write(stretch.end(phase, cycle))

    def look(self, moment: Moment, cycle: int = 0) -> StoreSeen | None:
        """Every witness that wants this moment looks; the store's answer is handed back."""
        store: StoreSeen | None = None
        for witness in moment_witnesses():
            if moment in witness.moments:
                try:
                    seen = witness.look(self.machine, moment, cycle)
                except CcciError:
                    raise
                except Exception as error:
                    # A defect of one witness costs its evidence, not the run and what others saw.
                    self.write(Note(text=f"{type(witness).__name__} broke: {type(error).__name__}: {error}"))
                    continue
                self.write(seen)
                if isinstance(seen, StoreSeen):
                    store = seen
        return store

    def _tell(self, point: Point) -> None:
        """Whoever looks on hears where the run is."""
        if self.options.onlooker is not None:
            self.options.onlooker(point)

    def pause(self, before: PauseBefore) -> bool:
        """Wait for a person where that was asked for; whether it was."""
        wait = self.options.wait_for_person
        if self.options.pause_before != before or wait is None:
            return False
        wait(f"Waiting before the {before}: press Enter to go on.", self._renew_if_there)
        return True

    def _renew_if_there(self) -> None:
        """Renew the lease; a host that is away for a moment is asked again the next time."""
        if self.lease is None:
            return
        try:
            self.lease.renew()
        except UnreachableError as error:
            say(f"The lease could not be renewed yet. {error.brief}")
