"""The agent's files: what this checkout would install, and what lies on the host."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import jinja2

from ccci_host.agent import paths, policy
from ccci_host.config import PruneTable
from ccci_host.errors import HostError
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import HashFile, ReadFile
from ccci_host.steps.agent_archive import archive, archive_sha256
from ccci_host.steps.nixos import STORE
from ccci_host.steps.operations import WriteFile
from ccci_host.steps.step import Change, text_diff

HOUR = 3600.0
DAY = 24 * HOUR


def place(unit: str) -> str:
    """Where a unit's file lies."""
    return f"{paths.UNIT_FOLDER}/{unit}"


_ARCHIVE = HashFile(paths.ARCHIVE)
_TEXTS = {path: ReadFile(path) for path in (paths.POLICY, *(place(unit) for unit in paths.UNITS))}


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
def _templates() -> jinja2.Environment:
    """Read once, for the same reason as `archive()`."""
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
        place(unit): _templates().get_template(f"{unit}.j2").render(paths=paths, prune=prune)
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


def file_changes(installed: Installed, texts: Mapping[str, str]) -> list[Change]:
    """What differs from `texts` and from this checkout's archive, written."""
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
    what = _fault(paths.ARCHIVE, answer, archive_sha256().encode(), 0o755)
    if not what:
        return []
    before = f"sha256 {answer.text}, mode {answer.mode:04o}\n" if isinstance(answer, Present) else ""
    after = f"sha256 {archive_sha256()}, mode 0755\n"
    diff = text_diff(paths.ARCHIVE, before, after)
    return [Change(WriteFile(paths.ARCHIVE, archive(), 0o755), what, diff)]


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
