"""systemd units: what the manager knows of some named ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import RunCommand

_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "NeedDaemonReload",
    "DropInPaths",
    "Result",
    "NextElapseUSecRealtime",
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit, in systemd's own words."""

    name: str
    load: str
    """`loaded`, `not-found`, `masked`, …"""
    active: str
    """`active`, `inactive`, `failed`, …"""
    sub: str
    file_state: str
    """`enabled`, `disabled`, `static`, `masked`, …; empty when there is no file."""
    needs_reload: bool
    """Whether its files changed since systemd read them."""
    drop_ins: tuple[str, ...]
    result: str
    """`success`, or how its last run failed."""
    next_elapse: str = ""
    """When a timer elapses next; empty when it does not, or is none."""

    @property
    def own_drop_ins(self) -> tuple[str, ...]:
        """Files that alter this unit, and not all of its type, as those in `service.d` or `timer.d` do."""
        shared = f"{self.name.rpartition('.')[2]}.d"
        return tuple(path for path in self.drop_ins if PurePosixPath(path).parent.name != shared)

    @property
    def shared_drop_ins(self) -> tuple[str, ...]:
        """Files that alter all units of its type: Incus' images bring such."""
        return tuple(path for path in self.drop_ins if path not in self.own_drop_ins)


def units(*names: str) -> Fact[Mapping[str, Unit] | Absent | Unreadable]:
    """The fact for the units of these names; `Absent` when there is no systemd."""
    probe = RunCommand(("systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *names))

    def parse(answers: Answers) -> Mapping[str, Unit] | Absent | Unreadable:
        answer = answers[probe]
        if not isinstance(answer, Present):
            return answer
        blocks = [block for block in answer.text.split("\n\n") if block.strip()]
        return dict(zip(names, (_unit(block) for block in blocks), strict=True))

    return Fact(f"units {' '.join(names)}", (probe,), parse)


def _unit(block: str) -> Unit:
    lines = (line.partition("=") for line in block.splitlines())
    seen = {name: value for name, _, value in lines}
    return Unit(
        name=seen["Id"],
        load=seen["LoadState"],
        active=seen["ActiveState"],
        sub=seen["SubState"],
        file_state=seen.get("UnitFileState", ""),
        needs_reload=seen.get("NeedDaemonReload") == "yes",
        drop_ins=tuple(seen.get("DropInPaths", "").split()),
        result=seen.get("Result", ""),
        next_elapse=seen.get("NextElapseUSecRealtime", ""),
    )
