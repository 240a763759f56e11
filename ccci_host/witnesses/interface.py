"""Bytes that came in over the instance's interface, as Incus counts them.

On a container Incus counts outside the machine; on a virtual machine it takes the figure from the guest's
own kernel (fact 21), and the record says so. Counts everybody's traffic: a figure below the weight of the
recipe's layers acquits, a high one convicts nobody.
"""

import time

from ccci_host.errors import CcciError
from ccci_host.records import CounterSource, InterfaceSeen, NoiseSeen, Phase
from ccci_host.transport.machine import Machine
from ccci_host.waiting import pause

QUIET_SECONDS = 2.0


def source_of(machine: Machine) -> CounterSource:
    """Who counts the bytes on this kind of instance."""
    return "guest" if machine.instance.kind == "virtual-machine" else "outside"


class InterfaceStretch:
    """Remembers the counter at the beginning."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._began = time.monotonic()
        self._problem: str | None = None
        self._before = 0
        try:
            self._before = machine.instance.bytes_received()
        except CcciError as error:
            self._problem = error.brief

    def end(self, phase: Phase, cycle: int) -> InterfaceSeen:
        """The counter's difference; a counter that went backwards was reset and says nothing."""
        received: int | None = None
        problem = self._problem
        if problem is None:
            try:
                received = self._machine.instance.bytes_received() - self._before
            except CcciError as error:
                problem = error.brief
        if received is not None and received < 0:
            received, problem = (
                None,
                "the counter began anew in between: the interface or the machine restarted",
            )
        return InterfaceSeen(
            phase=phase,
            cycle=cycle,
            source=source_of(self._machine),
            bytes=received,
            seconds=time.monotonic() - self._began,
            problem=problem,
        )


class InterfaceWitness:
    """Counts what comes in during a stretch."""

    def begin(self, machine: Machine) -> InterfaceStretch:
        """Mark this point of the counter."""
        return InterfaceStretch(machine)


def noise(machine: Machine, seconds: float = QUIET_SECONDS) -> NoiseSeen:
    """What comes in during `seconds` in which the suite does nothing: the floor under other figures."""
    stretch = InterfaceStretch(machine)
    pause(seconds)
    seen = stretch.end("preflight", 0)
    return NoiseSeen(source=seen.source, bytes=seen.bytes, seconds=seen.seconds, problem=seen.problem)


WITNESS = InterfaceWitness()
