"""The agent and its units: exactly those of this checkout, loaded, and the timer running."""

from collections.abc import Mapping

from ccci_host.agent import paths
from ccci_host.errors import ConfigError, HostError
from ccci_host.facts.answers import Absent, Answer, Unreadable
from ccci_host.facts.collector import Fact, Facts
from ccci_host.facts.host import HOST
from ccci_host.facts.probes import RunCommand as AskCommand
from ccci_host.facts.units import Unit, units
from ccci_host.steps.agent_archive import archive_sha256
from ccci_host.steps.agent_files import INSTALLED, file_changes, place, wanted_texts
from ccci_host.steps.nixos import module_for
from ccci_host.steps.operations import RunCommand, WriteFile
from ccci_host.steps.step import Change, Plan, Step, Wanted

RUNNING_UNITS = (paths.TIMER, paths.WATCH)
"""Enabled and started; the service itself is started by its timer."""

UNITS = units(*paths.UNITS)


def calendar(expression: str) -> Fact[Answer]:
    """What the host's systemd makes of a calendar expression; unreadable when it is none."""
    probe = AskCommand(("systemd-analyze", "calendar", "--", expression))
    return Fact("calendar", (probe,), lambda answers: answers[probe])


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """What differs from this checkout, written; then the units reloaded, and timer and watcher running.

    Raises `HostError` on a host that takes no files under `/etc`, with what to put into its configuration.
    """
    _require_calendar(facts, wanted)
    texts = wanted_texts(wanted.config.prune)
    files = file_changes(facts[INSTALLED], texts)
    if facts[HOST].keeps_etc_in_a_store:
        _require_managed(files, texts, wanted)
    seen = _units(facts, wanted)
    changes = [*_stopping(seen, files), *files, *_activation(seen, files)]
    problems = [said for unit in seen.values() for said in _altered(unit, unit.own_drop_ins)]
    warnings = [said for unit in seen.values() for said in _altered(unit, unit.shared_drop_ins)]
    if not changes:
        return Plan(
            f"agent {archive_sha256()[:12]} and its units are installed, its timer is active",
            warnings=tuple(warnings),
            problems=tuple(problems),
        )
    more = len(changes) - 1
    why = (files or changes)[0].what + (f", and {more} more" if more else "")
    return Plan(why, tuple(changes), tuple(warnings), tuple(problems))


def _altered(unit: Unit, drop_ins: tuple[str, ...]) -> list[str]:
    what = ", ".join(drop_ins)
    return [f"{unit.name} is altered by {what}, which is not of this checkout."] if drop_ins else []


def _require_calendar(facts: Facts, wanted: Wanted) -> None:
    expression = wanted.config.prune.timer
    answer = facts[calendar(expression)]
    if isinstance(answer, Unreadable):
        raise ConfigError(
            f"systemd on {wanted.host} does not understand the timer {expression!r}.",
            details=answer.reason,
            resolution="`timer` under [host.….prune] is a calendar expression: hourly, *:0/30, *-*-* 0/4:00 "
            "… (`man systemd.time`).",
        )


def _units(facts: Facts, wanted: Wanted) -> Mapping[str, Unit]:
    seen = facts[UNITS]
    if isinstance(seen, Absent | Unreadable):
        reason = seen.reason if isinstance(seen, Unreadable) else "there is no systemctl"
        raise HostError(f"systemd on {wanted.host} does not tell about units.", details=reason)
    return seen


def _stopping(seen: Mapping[str, Unit], files: list[Change]) -> list[Change]:
    """Stop the watcher before what it runs is replaced: cut off in between, it is found stopped."""
    if seen[paths.WATCH].active != "active" or not _written(files) & {paths.ARCHIVE, place(paths.WATCH)}:
        return []
    return [Change(RunCommand(("systemctl", "stop", paths.WATCH)), f"{paths.WATCH} runs what was before")]


def _activation(seen: Mapping[str, Unit], files: list[Change]) -> list[Change]:
    """Reload what changed, unmask what is masked, start and enable what should run."""
    written = _written(files)
    changes = []
    masked = [unit.name for unit in seen.values() if unit.load == "masked"]
    if masked:
        changes.append(Change(RunCommand(("systemctl", "unmask", *masked)), f"{', '.join(masked)} masked"))
    places = {place(unit) for unit in paths.UNITS}
    if written & places or any(unit.needs_reload for unit in seen.values()):
        changes.append(Change(RunCommand(("systemctl", "daemon-reload")), "systemd has not read the units"))
    for name in RUNNING_UNITS:
        unit = seen[name]
        start = RunCommand(("systemctl", "enable", "--now", name))
        if unit.file_state != "enabled" or unit.active != "active":
            state = unit.active if unit.file_state == "enabled" else unit.file_state or "not installed"
            changes.append(Change(start, f"{name} is {state}"))
        elif name == paths.WATCH and _stopping(seen, files):
            changes.append(Change(start, f"{name} is stopped for that"))
        elif place(name) in written:
            changes.append(
                Change(RunCommand(("systemctl", "restart", name)), f"{name} keeps the time of before")
            )
    return changes


def _written(files: list[Change]) -> set[str]:
    return {change.operation.path for change in files if isinstance(change.operation, WriteFile)}


def _require_managed(files: list[Change], texts: Mapping[str, str], wanted: Wanted) -> None:
    written = [change for change in files if isinstance(change.operation, WriteFile)]
    managed = [change.what for change in written if change.what.startswith("/etc/")]
    if managed:
        raise HostError(
            f"{wanted.host} runs NixOS, which takes no files under /etc: its configuration makes them.",
            details="\n".join(managed),
            resolution="Put this into the host's configuration, rebuild, and run `invoke provision` again:\n"
            + module_for(texts, RUNNING_UNITS),
        )


STEP = Step(
    "agent",
    after=("ssh",),
    facts=lambda wanted: (HOST, INSTALLED, UNITS, calendar(wanted.config.prune.timer)),
    plan=plan,
)
