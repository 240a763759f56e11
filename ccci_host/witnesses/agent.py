"""The retention agent as it stands on the host: its files against this checkout's, its units, its last tick.

Sees what is installed and what systemd makes of it. What the agent would do is its own word (`plan`).
"""

import json
from collections.abc import Mapping
from typing import Any

from ccci_host.agent import paths
from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.answers import Absent, Answer, Present
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.probes import HashFile, ReadFile
from ccci_host.facts.units import Unit, units
from ccci_host.records import AgentSeen, FileSeen, Moment, UnitSeen
from ccci_host.transport.machine import Machine

_LAST = ReadFile(f"{paths.STATE}/{paths.LAST_FILE}")
UNITS = units(*paths.UNITS)


def look(machine: Machine, expected: Mapping[str, str], moment: Moment, cycle: int = 0) -> AgentSeen:
    """The agent now; `expected` is the SHA-256 of each file that this checkout would install, by path."""
    hashes = {path: HashFile(path) for path in expected}

    def parse(answers: Answers) -> AgentSeen:
        told = UNITS.parse(answers)
        seen = told if isinstance(told, Mapping) else {}
        return AgentSeen(
            moment=moment,
            cycle=cycle,
            files=tuple(_file(path, expected[path], answers[probe]) for path, probe in hashes.items()),
            units=tuple(_unit(unit) for unit in seen.values()),
            last_run=_last(answers[_LAST]),
            next_tick=seen[paths.TIMER].next_elapse or None if seen else None,
            problem=None if seen else f"systemd does not tell about {', '.join(paths.UNITS)}",
        )

    fact = Fact("agent", (*hashes.values(), *UNITS.probes, _LAST), parse)
    try:
        return collect(machine, fact)[fact]
    except (CommandFailedError, HostError) as error:
        return AgentSeen(moment=moment, cycle=cycle, problem=str(error))


def _file(path: str, expected: str, answer: Answer) -> FileSeen:
    if isinstance(answer, Absent):
        return FileSeen(path=path, state="absent")
    if not isinstance(answer, Present):
        return FileSeen(path=path, state="unreadable", detail=answer.reason)
    seen = answer.text.strip()
    if seen == expected:
        return FileSeen(path=path, state="as-built")
    return FileSeen(path=path, state="altered", detail=f"SHA-256 {seen[:12]}…, not {expected[:12]}…")


def _unit(unit: Unit) -> UnitSeen:
    return UnitSeen(
        name=unit.name,
        load=unit.load,
        active=unit.active,
        enabled=unit.file_state,
        drop_ins=unit.own_drop_ins,
        needs_reload=unit.needs_reload,
        result=unit.result,
    )


def _last(answer: Answer) -> dict[str, Any] | None:
    """The agent's note; None for one that is not there, an unreadable one says so."""
    if isinstance(answer, Absent):
        return None
    if not isinstance(answer, Present):
        return {"unreadable": answer.reason}
    try:
        note = json.loads(answer.content)
    except ValueError:
        return {"unreadable": "the note of the last tick is no JSON"}
    return note if isinstance(note, dict) else {"unreadable": "the note of the last tick is no object"}
