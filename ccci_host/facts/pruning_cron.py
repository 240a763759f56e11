"""Cron lines, and scripts that cron runs, that remove images."""

import re
from collections.abc import Iterator, Mapping, Sequence

from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.probes import SearchFiles
from ccci_host.facts.prune_words import HINT
from ccci_host.facts.pruner import Audit, Pruner, removal_in

_TABLES = (
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d/*",
    "/etc/crontabs/*",
    "/var/spool/cron/*",
    "/var/spool/cron/crontabs/*",
)
_SCRIPTS = tuple(f"/etc/cron.{period}/*" for period in ("hourly", "daily", "weekly", "monthly", "yearly"))

TABLE_FILES = SearchFiles(_TABLES, HINT)
SCRIPT_FILES = SearchFiles(_SCRIPTS, HINT)
PROBES = (TABLE_FILES, SCRIPT_FILES)


def pruning_cron(answers: Answers, units: Sequence[Pruner] = ()) -> Audit:
    """The cron lines and scripts among a host's answers that remove images, or start one of `units`.

    A line counts as active though no cron daemon may be running now: installing one would wake it.
    """
    tables, scripts = answers[TABLE_FILES], answers[SCRIPT_FILES]
    pruners = [
        *(
            pruner
            for path in tables.scripts
            if isinstance(table := tables.files[path], Present)
            for pruner in _lines(path, table.text, tables.files, units)
        ),
        *(
            pruner
            for path in scripts.scripts
            if isinstance(script := scripts.files[path], Present)
            for pruner in _script(path, script, scripts.files)
        ),
    ]
    seen = [*tables.files.values(), *scripts.files.values()]
    return Audit(tuple(pruners), tuple(answer.reason for answer in seen if isinstance(answer, Unreadable)))


def _lines(path: str, text: str, scripts: Mapping[str, Answer], units: Sequence[Pruner]) -> Iterator[Pruner]:
    for number, line in enumerate(text.split("\n"), start=1):  # as cron and sed count them
        if line.lstrip().startswith("#"):
            continue  # also where it names a script
        command = removal_in(line, scripts) or _start_of(line, units)
        if command is not None:
            yield Pruner(
                kind="cron",
                name=f"{path} line {number}",
                command=command,
                active=True,
                remedy=f"Comment out line {number} of {path}; ccci-prune frees the disk in its place.",
                stop=(("sed", "-i", f"{number}{{/{_known_by(line)}/s/^/# by ccci-host: /}}", path),),
            )


def _known_by(line: str) -> str:
    """What sed knows the line by: its number may be another's by the time that it is commented out.

    Up to a byte that is no UTF-8, which nobody can hand to sed; else all of it.
    """
    readable, unreadable, _ = line.partition("\N{REPLACEMENT CHARACTER}")
    literal = re.sub(r"[\\/.*\[\]^$]", r"\\\g<0>", readable)
    return f"^{literal}" if unreadable else f"^{literal}$"


def _script(path: str, script: Present, scripts: Mapping[str, Answer]) -> Iterator[Pruner]:
    command = removal_in(script.text, scripts)
    if command is not None:
        yield Pruner(
            kind="cron",
            name=path,
            command=command,
            active=bool(script.mode & 0o111),
            remedy=f"`chmod a-x {path}`, or take that line out; ccci-prune frees the disk in its place.",
            stop=(("chmod", "a-x", path),),
        )


def _start_of(line: str, units: Sequence[Pruner]) -> str | None:
    """The line itself when it starts one of `units`."""
    started = re.search(r"\bsystemctl\b.*\b(?:re)?start\b(.*)", line)
    words = started.group(1).split() if started else []
    names = {name for unit in units for name in (unit.name, unit.name.removesuffix(".service"))}
    return line.strip() if names.intersection(words) else None
