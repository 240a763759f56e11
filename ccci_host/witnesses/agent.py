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
from ccci_host.facts.probes import HashFile, ReadFile, RunCommand
from ccci_host.records import AgentSeen, FileSeen, Moment, UnitSeen
from ccci_host.transport.machine import Machine

_LAST = ReadFile(f"{paths.STATE}/{paths.LAST_FILE}")
_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "Result",
    "ExecMainStatus",
    "NextElapseUSecRealtime",
)
_UNITS = {
    unit: RunCommand(("systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", unit))
    for unit in paths.UNITS
}


def look(machine: Machine, expected: Mapping[str, str], moment: Moment, cycle: int = 0) -> AgentSeen:
    """The agent now; `expected` is the SHA-256 of each file that this checkout would install, by path."""
    hashes = {path: HashFile(path) for path in expected}

    def parse(answers: Answers) -> AgentSeen:
        units = {unit: _properties(answers[probe]) for unit, probe in _UNITS.items()}
        unreadable = [unit for unit, seen in units.items() if seen is None]
        return AgentSeen(
            moment=moment,
            cycle=cycle,
            files=tuple(_file(path, expected[path], answers[probe]) for path, probe in hashes.items()),
            units=tuple(_unit(unit, seen) for unit, seen in units.items() if seen is not None),
            last_run=_last(answers[_LAST]),
            next_tick=(units[paths.TIMER] or {}).get("NextElapseUSecRealtime") or None,
            problem=f"systemd does not tell about {', '.join(unreadable)}" if unreadable else None,
        )

    fact = Fact("agent", (*hashes.values(), *_UNITS.values(), _LAST), parse)
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


def _properties(answer: Answer) -> dict[str, str] | None:
    if not isinstance(answer, Present):
        return None
    lines = (line.partition("=") for line in answer.text.splitlines())
    return {name: value for name, _, value in lines}


def _unit(name: str, seen: Mapping[str, str]) -> UnitSeen:
    status = seen.get("ExecMainStatus", "")
    return UnitSeen(
        name=name,
        load=seen.get("LoadState", ""),
        active=seen.get("ActiveState", ""),
        enabled=seen.get("UnitFileState", ""),
        result=seen.get("Result", ""),
        exit_code=int(status) if status.isdigit() else None,
    )


def _last(answer: Answer) -> dict[str, Any] | None:
    """The agent's note; None for one that is not there, an unreadable one says so."""
    if not isinstance(answer, Present):
        return None
    try:
        note = json.loads(answer.content)
    except ValueError:
        return {"unreadable": "the note of the last tick is no JSON"}
    return note if isinstance(note, dict) else {"unreadable": "the note of the last tick is no object"}
