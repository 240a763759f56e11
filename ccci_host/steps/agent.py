"""The agent and its units: exactly those of this checkout, loaded, and the timer running."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import jinja2

from ccci_host.agent import paths, policy
from ccci_host.config import PruneTable
from ccci_host.errors import ConfigError, HostError
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, Facts
from ccci_host.facts.host import HOST
from ccci_host.facts.probes import HashFile, ReadFile
from ccci_host.facts.probes import RunCommand as AskCommand
from ccci_host.facts.units import Unit, units
from ccci_host.steps.agent_archive import build_archive
from ccci_host.steps.nixos import STORE, module_for
from ccci_host.steps.operations import RunCommand, WriteFile
from ccci_host.steps.step import Change, Plan, Step, Wanted, text_diff

HOUR = 3600.0
DAY = 24 * HOUR
RUNNING_UNITS = (paths.TIMER, paths.WATCH)
"""Enabled and started; the service itself is started by its timer."""

_ARCHIVE = HashFile(paths.ARCHIVE)
_TEXTS = {
    path: ReadFile(path) for path in (paths.POLICY, *(f"{paths.UNIT_FOLDER}/{unit}" for unit in paths.UNITS))
}

UNITS = units(*paths.UNITS)


def calendar(expression: str) -> Fact[Answer]:
    """What the host's systemd makes of a calendar expression; unreadable when it is none."""
    probe = AskCommand(("systemd-analyze", "calendar", "--", expression))
    return Fact("calendar", (probe,), lambda answers: answers[probe])


@dataclass(frozen=True, slots=True)
class Installed:
    """The agent's files as they lie on the host."""

    archive: Answer
    """Its content is the SHA-256 of the zipapp."""
    texts: Mapping[str, Answer]
    """Policy and units, by path."""


def parse_installed(answers: Answers) -> Installed:
    """Read the files' answers."""
    return Installed(answers[_ARCHIVE], {path: answers[probe] for path, probe in _TEXTS.items()})


INSTALLED = Fact("agent files", (_ARCHIVE, *_TEXTS.values()), parse_installed)


@cache
def archive() -> bytes:
    """The agent of this checkout as one file."""
    return build_archive()


@cache
def _templates() -> jinja2.Environment:
    """Read once, as the archive is: the plan and the look after it are of one state of the checkout."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("ccci_host.steps"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=False,
        autoescape=False,  # noqa: S701 - units are no HTML
    )


def wanted_texts(prune: PruneTable) -> dict[str, str]:
    """Policy and units as this checkout would install them, by path."""
    texts = {
        f"{paths.UNIT_FOLDER}/{unit}": _templates()
        .get_template(f"{unit}.j2")
        .render(paths=paths, prune=prune)
        for unit in paths.UNITS
    }
    return {paths.POLICY: policy_text(prune), **texts}


def policy_text(prune: PruneTable) -> str:
    """The agent's policy file for `[host.NAME.prune]`."""
    return policy.render(
        high_watermark=prune.high_watermark_percent,
        low_watermark=prune.low_watermark_percent,
        young=prune.young_hours * HOUR,
        idle_after=None if prune.idle_after_days == "never" else prune.idle_after_days * DAY,
        keep=prune.keep,
        recipe_roots=prune.recipe_roots,
    )


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """What differs from this checkout, written; then the units reloaded, and timer and watcher running.

    Raises `HostError` on a host that takes no files under `/etc`, with what to put into its configuration.
    """
    _require_calendar(facts, wanted)
    texts = wanted_texts(wanted.config.prune)
    files = _files(facts[INSTALLED], texts)
    if facts[HOST].keeps_etc_in_a_store:
        _require_managed(files, texts, wanted)
    seen = _units(facts, wanted)
    changes = [*files, *_activation(seen, files)]
    warnings = [
        f"{unit.name} is altered by {', '.join(unit.drop_ins)}, which is not of this checkout."
        for unit in seen.values()
        if unit.drop_ins
    ]
    if not changes:
        digest = hashlib.sha256(archive()).hexdigest()[:12]
        return Plan(
            f"agent {digest} and its units are installed, its timer is active", warnings=tuple(warnings)
        )
    return Plan(_summary(changes), tuple(changes), tuple(warnings))


def _require_calendar(facts: Facts, wanted: Wanted) -> None:
    expression = wanted.config.prune.timer
    answer = facts[calendar(expression)]
    if isinstance(answer, Unreadable):
        raise ConfigError(
            f"systemd on {wanted.host} does not understand the timer {expression!r}.",
            details=answer.reason,
            resolution="`timer` under [host.….prune] is a calendar expression: hourly, daily, *:0/30 … "
            "(`man systemd.time`).",
        )


def _summary(changes: list[Change]) -> str:
    more = len(changes) - 1
    return changes[0].what + (f", and {more} more" if more else "")


def _files(installed: Installed, texts: Mapping[str, str]) -> list[Change]:
    changes = [*_archive(installed.archive)]
    for path, text in texts.items():
        answer = installed.texts[path]
        before = answer.text if isinstance(answer, Present) else ""
        what = _fault(path, answer, text.encode(), 0o644)
        if not what:
            continue
        changes.append(Change(WriteFile(path, text.encode()), what, text_diff(path, before, text)))
    return changes


def _archive(answer: Answer) -> list[Change]:
    content = archive()
    what = _fault(paths.ARCHIVE, answer, hashlib.sha256(content).hexdigest().encode(), 0o755)
    if not what:
        return []
    before = f"sha256 {answer.text}, mode {answer.mode:04o}\n" if isinstance(answer, Present) else ""
    after = f"sha256 {hashlib.sha256(content).hexdigest()}, mode 0755\n"
    diff = text_diff(paths.ARCHIVE, before, after)
    return [Change(WriteFile(paths.ARCHIVE, content, 0o755), what, diff)]


def _fault(path: str, answer: Answer, content: bytes, mode: int) -> str:
    """What is wrong with a file, or nothing."""
    if isinstance(answer, Absent):
        return f"{path} is missing"
    if isinstance(answer, Unreadable):
        raise HostError(f"{path} on the host cannot be read.", details=answer.reason)
    if answer.content != content:
        return f"{path} differs from this checkout"
    if answer.path.startswith(STORE):
        return ""  # nothing in there can be written, by anybody
    if answer.owner != "root":
        return f"{path} belongs to {answer.owner}"
    return "" if answer.mode == mode else f"{path} has mode {answer.mode:04o}"


def _units(facts: Facts, wanted: Wanted) -> Mapping[str, Unit]:
    seen = facts[UNITS]
    if isinstance(seen, Absent | Unreadable):
        reason = seen.reason if isinstance(seen, Unreadable) else "there is no systemctl"
        raise HostError(f"systemd on {wanted.host} does not tell about units.", details=reason)
    return seen


def _activation(seen: Mapping[str, Unit], files: list[Change]) -> list[Change]:
    """Reload what changed, unmask what is masked, start and enable what should run."""
    written = {change.operation.path for change in files if isinstance(change.operation, WriteFile)}
    changes = []
    masked = [unit.name for unit in seen.values() if unit.load == "masked"]
    if masked:
        changes.append(Change(RunCommand(("systemctl", "unmask", *masked)), f"{', '.join(masked)} masked"))
    unit_files = {f"{paths.UNIT_FOLDER}/{unit}" for unit in paths.UNITS}
    if written & unit_files or any(unit.needs_reload for unit in seen.values()):
        changes.append(Change(RunCommand(("systemctl", "daemon-reload")), "systemd has not read the units"))
    for name in RUNNING_UNITS:
        unit = seen[name]
        if unit.file_state != "enabled" or unit.active != "active":
            state = unit.active if unit.file_state == "enabled" else unit.file_state or "not installed"
            changes.append(Change(RunCommand(("systemctl", "enable", "--now", name)), f"{name} is {state}"))
        elif written & {f"{paths.UNIT_FOLDER}/{name}", *([paths.ARCHIVE] if name == paths.WATCH else [])}:
            changes.append(Change(RunCommand(("systemctl", "restart", name)), f"{name} runs what was before"))
    return changes


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
