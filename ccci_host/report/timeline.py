"""Where everything stands on the timeline: phases, the bytes that came in, the registry's requests.

Coordinates are user units of an SVG that is `WIDTH` wide; the template only draws.
"""

from dataclasses import dataclass
from datetime import datetime

from ccci_host.checks.weights import recipe_weight
from ccci_host.records import History, InterfaceSeen, PhaseBegan, PhaseEnded, RequestsSeen
from ccci_host.report import words

WIDTH = 1000.0
MARGIN = 12.0
NARROWEST = 46.0
"""A phase is at least so wide that its name can be read."""
BYTES_HEIGHT = 74.0
LEAST = 1_000_000
"""Bytes that are drawn in full height at least: a few kB must not look like a download."""


@dataclass(frozen=True, slots=True)
class Block:
    """A phase."""

    phase: str
    name: str
    x: float
    width: float
    took: str
    bytes: str
    bytes_height: float
    """Its bytes, as a part of those of the busiest phase or of `LEAST`, on a scale of `BYTES_HEIGHT`."""
    layers: str
    downloads: bool
    """Whether a registry served layers in it."""
    outcome: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A request at a registry."""

    x: float
    what: str
    title: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the template draws."""

    blocks: tuple[Block, ...]
    ticks: tuple[Tick, ...]
    weight: str = ""
    """What the whole recipe weighs, where that is known."""
    weight_height: float = 0.0
    width: float = WIDTH


@dataclass(frozen=True, slots=True)
class _Stretch:
    began: PhaseBegan
    ended: PhaseEnded
    start: datetime
    end: datetime


def timeline(history: History, cycle: int) -> Timeline:
    """The timeline of one cycle; cycle 0 is what stands outside all cycles."""
    stretches = _stretches(history, cycle)
    if not stretches:
        return Timeline((), ())
    widths = _widths([max(0.0, (item.end - item.start).total_seconds()) for item in stretches])
    weight = recipe_weight(history, cycle or max(history.cycles, default=0))
    counted = [seen.bytes for item in stretches if (seen := _interface(history, item)) and seen.bytes]
    most = max([*counted, weight, LEAST])
    blocks: list[Block] = []
    ticks: list[Tick] = []
    x = MARGIN
    for item, width in zip(stretches, widths, strict=True):
        seen, asked = _interface(history, item), history.during(RequestsSeen, item.began.phase, cycle)
        came = seen.bytes if seen and not seen.problem else None
        requests = asked.requests if asked and not asked.problem else ()
        layers = sum(request.is_layer_download for request in requests)
        blocks.append(
            Block(
                phase=item.began.phase,
                name=words.PHASES.get(item.began.phase, item.began.phase),
                x=x,
                width=width,
                took=words.seconds(item.ended.seconds),
                bytes="" if seen is None else "not read" if came is None else words.size(came),
                bytes_height=BYTES_HEIGHT * came / most if came else 0.0,
                layers=f"{layers} layer{'' if layers == 1 else 's'}" if asked and not asked.problem else "",
                downloads=layers > 0,
                outcome=item.ended.outcome,
            )
        )
        length = (item.end - item.start).total_seconds() or 1.0
        for request in requests:
            at = words.when(request.at)
            if at is None:
                continue
            part = min(1.0, max(0.0, (at - item.start).total_seconds() / length))
            ticks.append(
                Tick(
                    x=x + 3 + part * (width - 6),
                    what="layer" if request.is_layer_download else request.what,
                    title=f"{request.method} {request.what} {request.repository}, {request.status}, "
                    f"{words.size(request.bytes)}, {request.account or 'anonymous'}",
                )
            )
        x += width
    return Timeline(
        tuple(blocks),
        tuple(ticks),
        weight=words.size(weight) if weight and counted else "",
        weight_height=BYTES_HEIGHT * weight / most,
    )


def _interface(history: History, item: _Stretch) -> InterfaceSeen | None:
    return history.during(InterfaceSeen, item.began.phase, item.began.cycle)


def _stretches(history: History, cycle: int) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    running: dict[str, tuple[PhaseBegan, datetime]] = {}
    for entry in history.entries:
        event, at = entry.event, words.when(entry.at)
        if at is None:
            continue
        if isinstance(event, PhaseBegan) and event.cycle == cycle and event.phase != "preflight":
            running[event.phase] = (event, at)
        elif isinstance(event, PhaseEnded) and event.cycle == cycle and event.phase in running:
            began, start = running.pop(event.phase)
            stretches.append(_Stretch(began, event, start, at))
    return sorted(stretches, key=lambda item: item.start)


def _widths(lengths: list[float]) -> list[float]:
    """Widths in proportion to `lengths`, none narrower than `NARROWEST`, that fill the room."""
    room = WIDTH - 2 * MARGIN
    smallest = min(NARROWEST, room / len(lengths))
    spare = room - smallest * len(lengths)
    total = sum(lengths) or 1.0
    return [smallest + spare * length / total for length in lengths]
