"""What moved in each phase, and what the registries were asked in both deploys."""

from ccci_host.records import EventsSeen, History, InterfaceSeen, PhaseEnded, RegistryRequest, RequestsSeen
from ccci_host.report import words
from ccci_host.report.model import RequestRow, StretchRow


def stretch_row(history: History, ended: PhaseEnded) -> StretchRow:
    """The row of the phase that `ended`."""
    seen = history.during(InterfaceSeen, ended.phase, ended.cycle)
    asked = history.during(RequestsSeen, ended.phase, ended.cycle)
    events = history.during(EventsSeen, ended.phase, ended.cycle)
    readable = asked is not None and not asked.problem
    requests = asked.requests if asked and readable else ()
    layers = [request for request in requests if request.is_layer_download]
    pulls = sum(event.action == "pull" for event in events.events) if events else 0
    lost = ", some lost" if events and events.lost else ""
    return StretchRow(
        phase=words.PHASES.get(ended.phase, ended.phase),
        took=words.seconds(ended.seconds) + ("" if ended.outcome == "done" else f" ({ended.outcome})"),
        bytes=words.size(seen.bytes) if seen and not seen.problem else "–",
        source=(seen.problem or {"outside": "Incus, outside", "guest": "guest's kernel"}[seen.source])
        if seen
        else "",
        manifests=str(sum(request.costs_quota for request in requests)) if readable else "–",
        layers=str(len(layers)) if readable else "–",
        served=words.size(sum(request.bytes for request in layers)) if readable else "–",
        events=f"{pulls}{lost}" if events and not events.problem else "–",
        under_test=ended.phase == "redeploy",
    )


def both_sides(history: History, cycle: int) -> tuple[tuple[RequestRow, ...], str]:
    """The requests of both deploys by repository, and why the log could not be read, if so."""
    first, second = (history.during(RequestsSeen, phase, cycle) for phase in ("deploy", "redeploy"))
    problem = next((seen.problem for seen in (first, second) if seen and seen.problem), None)
    sides = tuple(_by_repository(seen) for seen in (first, second))
    names = dict.fromkeys(name for side in sides for name in side)
    rows = tuple(RequestRow(name, sides[0].get(name, ()), sides[1].get(name, ())) for name in sorted(names))
    return rows, problem or ""


def _by_repository(seen: RequestsSeen | None) -> dict[str, tuple[str, ...]]:
    asked: dict[str, list[RegistryRequest]] = {}
    for request in seen.requests if seen and not seen.problem else ():
        if request.repository:
            asked.setdefault(f"{request.registry}/{request.repository}", []).append(request)
    return {name: _summary(requests) for name, requests in asked.items()}


def _summary(requests: list[RegistryRequest]) -> tuple[str, ...]:
    """`2 × GET manifest · ccci-ci`, `3 × GET layer, 15.0 MB · ccci-ci`."""
    kinds: dict[tuple[str, str, str, int], list[int]] = {}
    for request in requests:
        key = (request.method, request.what, request.account or "anonymous", request.status)
        kinds.setdefault(key, []).append(request.bytes)
    lines = []
    for (method, what, account, status), sizes in kinds.items():
        weight = f", {words.size(sum(sizes))}" if what == "layer" else ""
        trouble = f" → {status}" if status >= 400 else ""
        lines.append(f"{len(sizes)} × {method} {what}{weight}{trouble} · {account}")
    return tuple(lines)
