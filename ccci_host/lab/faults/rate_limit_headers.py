"""Rate-limit headers that say nothing, as Docker Hub may send them (fact 14), and no log to ask instead."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.lab.hub.budget import HeaderMode
from ccci_host.records import Bucket
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from ccci_host.witnesses.buckets import NO_FIGURE, WITNESS


class RateLimitHeaders(HubFault):
    """Headers that are absent, empty, or stand still below zero; the run knows of no registry log."""

    task = "verify-pc2"
    expected = Verdict.UNKNOWN
    check = "pulls-authenticated"

    def __init__(self, mode: HeaderMode) -> None:
        super().__init__()
        self.name = f"rate-limit-headers-{mode}"
        self._mode = mode

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """The machine without the registry's log."""
        with super().around(machine):
            yield replace(machine, config=machine.config.model_copy(update={"registry": None}))

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Let them look so."""
        self.hub.control.header_mode(self._mode)

    def is_present(self, machine: Machine) -> bool:
        """Whether the host gets to see no count that could go down."""
        seen = WITNESS.look(machine, "start", 0)
        return bool(seen.buckets) and all(map(says_nothing, seen.buckets))

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """As usual again."""
        self.hub.control.header_mode("normal")


def says_nothing(bucket: Bucket) -> bool:
    """Whether an answer came whose headers tell of no count; without an answer nobody knows how they look."""
    if bucket.remaining is not None:
        return bucket.remaining < 0
    return NO_FIGURE in (bucket.problem or "")


FAULTS = tuple(RateLimitHeaders(mode) for mode in ("absent", "empty", "negative"))
