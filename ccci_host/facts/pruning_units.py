"""systemd units that remove images: services, what triggers them, drop-ins, root's and users' own units."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from ccci_host.agent.paths import ARCHIVE
from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.own_removal import are_removals
from ccci_host.facts.probes import FoundFiles, ListFiles, SearchFiles, SearchUnits
from ccci_host.facts.pruner import Audit, Pruner, removal_in
from ccci_host.prune_words import HINT

_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_USER_FOLDERS = (
    "/etc/systemd/user",
    "/usr/lib/systemd/user",
    "/root/.config/systemd/user",
    "/root/.local/share/systemd/user",
    "/home/*/.config/systemd/user",
    "/run/user/*/systemd/transient",
)
_EXECS = (
    "ExecCondition",
    "ExecStartPre",
    "ExecStart",
    "ExecStartPost",
    "ExecReload",
    "ExecStop",
    "ExecStopPost",
)
_PROPERTIES = (
    "Id",
    "Names",
    "ActiveState",
    "UnitFileState",
    "FragmentPath",
    "TriggeredBy",
    "Triggers",
    *_EXECS,
)

SYSTEM = SearchUnits(_FOLDERS, HINT, (ARCHIVE,), _PROPERTIES)
USER = SearchFiles(tuple(f"{folder}/*.service" for folder in _USER_FOLDERS), HINT)
USER_ENABLED = ListFiles(
    (
        *(f"{folder}/*.{kind}/*" for folder in _USER_FOLDERS for kind in ("wants", "requires")),
        "/run/user/*/systemd/transient/*.timer",
    )
)
PROBES = (SYSTEM, USER, USER_ENABLED)

_RUNNING = frozenset({"active", "activating", "reloading"})
_STARTS_BY_ITSELF = frozenset({"enabled", "enabled-runtime"})

Shown = Mapping[str, str]


def pruning_units(answers: Answers) -> Audit:
    """The units among a host's answers that remove images; our own agent's are none while they run it."""
    found, users = answers[SYSTEM], answers[USER]
    if not isinstance(found.shown, Present):
        reason = found.shown.reason if isinstance(found.shown, Unreadable) else "there is no systemctl"
        return Audit((), (f"systemd units: {reason}",))
    shown = [_properties(block) for block in found.shown.text.split("\n\n") if block.strip()]
    pruners = [
        *_system_pruners(shown, found.scripts),
        *_user_pruners(users, answers[USER_ENABLED]),
    ]
    unreadable = [answer.reason for answer in users.files.values() if isinstance(answer, Unreadable)]
    return Audit(tuple(pruners), tuple(unreadable))


def _system_pruners(shown: list[Shown], scripts: Mapping[str, Answer]) -> Iterator[Pruner]:
    triggers = [unit for unit in shown if unit.get("Triggers")]
    for name, unit in {unit["Id"]: unit for unit in shown}.items():  # an alias shows its unit once more
        command = removal_in("\n".join(_exec_lines(unit, *_EXECS)), scripts)
        if command is None:
            continue
        starters = {
            trigger["Id"]: trigger
            for trigger in triggers
            if name in trigger["Triggers"].split() and _starts_by_itself(trigger)
        }
        is_started = not starters or _starts_by_itself(unit)
        stop = _stop([*starters.values(), *([unit] if is_started else [])])
        pruner = Pruner(
            kind="unit",
            name=", triggered by ".join([name, *starters]),
            command=command,
            active=bool(starters) or _starts_by_itself(unit),
            remedy=_remedy(name, stop),
            stop=stop,
        )
        if name == "docker.service" or not _only_remove(unit, scripts):
            pruner = pruner.left_to_a_person(_edit(name, _is_transient(unit)))
        yield pruner


def _is_transient(unit: Shown) -> bool:
    return unit.get("FragmentPath", "").startswith("/run/systemd/transient")


def _starts_by_itself(unit: Shown) -> bool:
    return unit.get("ActiveState") in _RUNNING or unit.get("UnitFileState") in _STARTS_BY_ITSELF


def _only_remove(unit: Shown, scripts: Mapping[str, Answer]) -> bool:
    """Whether a unit does nothing else than remove images, before and after its main program too."""
    return bool(_exec_lines(unit, "ExecStart")) and are_removals(_exec_lines(unit, *_EXECS), scripts)


def _edit(name: str, is_transient: bool) -> str:
    """The remedy for a unit that does other work too."""
    if name == "docker.service":
        return (
            "Take that line out of the drop-ins of docker.service (`systemctl cat docker.service` shows "
            "them), then `systemctl daemon-reload`."
        )
    if is_transient:
        return f"{name} may do other work too, and is transient: start it anew without that line."
    return (
        f"{name} may do other work too: take that line alone out of it with `systemctl edit --full {name}`, "
        f"or out of its drop-in or script; `systemctl cat {name}` shows where it stands."
    )


def _remedy(name: str, stop: tuple[tuple[str, ...], ...]) -> str:
    commands = ", ".join(f"`{' '.join(argv)}`" for argv in stop)
    if all(argv[1] == "stop" for argv in stop):
        return f"{commands}: it is transient, and gone once stopped."
    if name == "docker-prune.service":
        return (
            f"{commands}; on NixOS set `virtualisation.docker.autoPrune.enable = false;`. "
            "ccci-prune frees the disk in its place."
        )
    return f"{commands}; ccci-prune frees the disk in its place."


def _stop(units: list[Shown]) -> tuple[tuple[str, ...], ...]:
    """Commands that end `units`: one for those that are ended in the same way."""
    by_verb: dict[tuple[str, ...], list[str]] = {}
    for unit in units:
        by_verb.setdefault(_verb(unit), []).append(unit["Id"])
    return tuple(("systemctl", *verb, *names) for verb, names in by_verb.items())


def _verb(unit: Shown) -> tuple[str, ...]:
    if _is_transient(unit):
        return ("stop",)
    if unit.get("UnitFileState") == "enabled-runtime":
        return ("disable", "--runtime", "--now")  # without, it stays enabled below /run
    return ("disable", "--now")


def _user_pruners(users: FoundFiles, enabled: tuple[str, ...]) -> Iterator[Pruner]:
    starters = {PurePosixPath(path).name for path in enabled}
    for path in users.scripts:
        answer = users.files[path]
        if not isinstance(answer, Present):
            continue
        lines = [line for line in answer.text.splitlines() if line.strip().startswith("Exec")]
        command = removal_in("\n".join(lines), users.files)
        if command is None:
            continue
        name = PurePosixPath(path).name
        timer = PurePosixPath(path).with_suffix(".timer").name
        starter = timer if timer in starters else name
        commands = [line.partition("=")[2].strip().lstrip("-@:+!|") for line in lines]
        ends = (
            f"`systemctl --user disable --now {starter}`."
            if are_removals(commands, users.files)
            else f"take that line alone out with `systemctl --user edit --full {name}`."
        )
        yield Pruner(
            kind="user unit",
            name=path,
            command=command,
            active=starter in starters,
            remedy=f"As its user: {ends}",
        )


def _exec_lines(unit: Shown, *names: str) -> list[str]:
    """The commands of a unit's properties, out of `{ path=… ; argv[]=COMMAND ; ignore_errors=… }`."""
    lines = []
    for name in names:
        for match in re.finditer(r"argv\[\]=(.*?) ; ignore_errors=", unit.get(name, ""), re.DOTALL):
            lines.append(match.group(1))
    return lines


def _properties(block: str) -> Shown:
    """A unit's block of `systemctl show`; a property that stands several times is joined by lines."""
    seen: dict[str, str] = {}
    for line in block.splitlines():
        name, equals, value = line.partition("=")
        if equals and name in _PROPERTIES:
            seen[name] = f"{seen[name]}\n{value}" if name in seen else value
    return seen
