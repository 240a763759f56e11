"""Lease, agent, other pruners, credential and quota, as they were seen."""

from collections.abc import Iterator

from ccci_host.records import (
    AgentSeen,
    Bucket,
    BucketsSeen,
    CredentialSeen,
    History,
    LeaseSeen,
    PlanSeen,
    PrunersSeen,
    SweepSeen,
    TicksSeen,
)
from ccci_host.report import words
from ccci_host.report.model import Pair

LAST_TICKS = 6
"""Ticks that are listed one by one; the figures speak for all."""


def protection(history: History) -> tuple[Pair, ...]:
    """A line for each thing that was looked at."""
    parts = (_leases, _agent, _pruners, _plans, _sweeps, _ticks, _credential, _quota)
    return tuple(pair for part in parts for pair in part(history))


def _leases(history: History) -> Iterator[Pair]:
    for lease in history.of(LeaseSeen):
        if lease.step != "renewed":
            until = f", until {words.clock(lease.until)}" if lease.until else ""
            yield Pair(f"Lease {lease.step}", f"{lease.id or '–'}{until}{_problem(lease.problem)}")


def _agent(history: History) -> Iterator[Pair]:
    agent = history.last(AgentSeen)
    if agent:
        files = ", ".join(f"{file.path} {file.state}" for file in agent.files) or "–"
        units = ", ".join(f"{unit.name} {unit.active}/{unit.enabled}" for unit in agent.units) or "–"
        yield Pair("Agent's files", files + _problem(agent.problem))
        yield Pair("Agent's units", units)


def _pruners(history: History) -> Iterator[Pair]:
    audit = history.last(PrunersSeen)
    if audit:
        found = ", ".join(f"{item.where}{'' if item.active else ' (not active)'}" for item in audit.pruners)
        yield Pair("Other pruners", (found or "none found") + _problem(audit.problem))


def _plans(history: History) -> Iterator[Pair]:
    for plan in history.of(PlanSeen):
        percent = plan.simulated_percent
        pressure = f"at a pretended {percent:.0f} %" if percent else "as things are"
        counts = f"{len(plan.victims)} would go, {len(plan.kept)} stay"
        yield Pair(f"Agent's plan {pressure}", f"{counts}{_gates(plan.gates)}{_problem(plan.problem)}")


def _sweeps(history: History) -> Iterator[Pair]:
    for sweep in history.of(SweepSeen):
        ended = f"{len(sweep.removed)} removed, exit code {sweep.exit_code}"
        yield Pair(f"Sweep under {sweep.under}", f"{ended}{_gates(sweep.gates)}{_problem(sweep.problem)}")


def _ticks(history: History) -> Iterator[Pair]:
    ticks = history.last(TicksSeen)
    if ticks:
        ends = ", ".join(
            f"{words.stamp(tick.at)} {'well' if tick.done else 'failed'}{_left(tick.percent)}"
            for tick in ticks.ticks[-LAST_TICKS:]
        )
        earlier = len(ticks.ticks) - LAST_TICKS
        more = f"{earlier} earlier ones, then " if earlier > 0 else ""
        yield Pair("Ticks of the last day", (more + ends or "none") + _problem(ticks.problem))


def _credential(history: History) -> Iterator[Pair]:
    login = history.last(CredentialSeen)
    if login:
        said = {True: "accepted", False: f"refused: {login.answer}", None: "not asked"}[login.accepted]
        yield Pair(
            "PAT",
            f"{login.path} {login.state or ''}, mode {login.mode or '–'}, account "
            f"{login.account or '–'}, {said}{_problem(login.problem)}",
        )


def _quota(history: History) -> Iterator[Pair]:
    for seen in history.of(BucketsSeen):
        told = "; ".join(_bucket(bucket) for bucket in seen.buckets)
        yield Pair(f"Quota, {seen.moment}", (told or "–") + _problem(seen.problem))


def _left(percent: float | None) -> str:
    return "" if percent is None else f" at {percent:g} %"


def _gates(gates: dict[str, object]) -> str:
    closed = [f"{name} ({_reason(gate)})" for name, gate in gates.items() if gate]
    return f"; gates closed: {', '.join(closed)}" if closed else ""


def _reason(gate: object) -> object:
    return gate.get("reason", gate) if isinstance(gate, dict) else gate


def _bucket(bucket: Bucket) -> str:
    left = "unknown" if bucket.remaining is None else f"{bucket.remaining} of {bucket.limit or '?'} left"
    return f"{bucket.account or 'anonymous'}: {bucket.problem or left}"


def _problem(problem: str | None) -> str:
    return f" — {problem}" if problem else ""
