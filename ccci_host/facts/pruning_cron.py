"""Cron lines, and scripts that cron runs, that remove images."""

import hashlib
import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.own_removal import is_removal
from ccci_host.facts.probes import SearchFiles
from ccci_host.facts.pruner import Audit, Pruner, removal_in
from ccci_host.prune_words import HINT

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

_SCHEDULE = r"\s*(?:@\w+|(?:\S+\s+){4}\S+)\s+"
_COMMANDS = (
    (re.compile(r"/etc/(?:crontab|cron\.d/.*)"), re.compile(rf"{_SCHEDULE}\S+\s+(.*)")),  # with a user
    (re.compile(r"/etc/anacrontab"), re.compile(r"\s*\S+\s+\d+\s+\S+\s+(.*)")),
    (re.compile(r".*"), re.compile(rf"{_SCHEDULE}(.*)")),
)
"""Which tables have which lines; the group is the command."""

_COMMENT_OUT = (
    '[ "$(sed -n "${2}p" -- "$1" | sha256sum)" = "$3  -" ]'
    ' || { echo "line $2 of $1 has changed meanwhile" >&2; exit 1; };'
    ' exec sed -i "${2}s/^/# by ccci-host: /" -- "$1"'
)
"""Comments out a line of a file, unless its SHA-256 is another: that number may be another line's by then.

A line may hold a password, and what a command is given can be read by anybody on the host.
"""


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
            for pruner in _lines(path, table.content, tables.files, units)
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


def _lines(
    path: str, content: bytes, scripts: Mapping[str, Answer], units: Sequence[Pruner]
) -> Iterator[Pruner]:
    can_stop = {name for unit in units if unit.stop for name in _names(unit)}
    for number, raw in enumerate(io.BytesIO(content), start=1):  # as cron and sed count them
        line = raw.decode(errors="replace")
        if line.lstrip().startswith("#"):
            continue  # also where it names a script
        removal, started = removal_in(line, scripts), _started(line, units)
        command = removal or (f"systemctl start {started.service}" if started else None)
        if command is None:
            continue
        pruner = Pruner(
            kind="cron",
            name=f"{path} line {number}",
            command=command,
            active=True,
            remedy=f"Comment out line {number} of {path}; ccci-prune frees the disk in its place.",
            stop=(("sh", "-c", _COMMENT_OUT, "sh", path, str(number), hashlib.sha256(raw).hexdigest()),),
        )
        if removal is None and started and not started.stop:
            pruner = pruner.left_to_a_person(f"The line may stay once {started.service} removes no images.")
        elif not is_removal(_command(path, line), scripts, can_stop):
            pruner = pruner.left_to_a_person(_take_out(command, "The line"))
        yield pruner


def _command(path: str, line: str) -> str:
    """What a line of the table at `path` runs; nothing where it sets a variable."""
    form = next(form for table, form in _COMMANDS if table.fullmatch(path))
    found = form.fullmatch(line.strip())
    return found.group(1) if found else ""


def _take_out(command: str, where: str) -> str:
    """The remedy for what does other work too: `command` is as `removal_in` says it."""
    script, _, removal = command.rpartition(": ")
    return f"{script or where} may do other work too: take `{removal}` out of it."


def _script(path: str, script: Present, scripts: Mapping[str, Answer]) -> Iterator[Pruner]:
    command = removal_in(script.text, scripts)
    if command is None:
        return
    pruner = Pruner(
        kind="cron",
        name=path,
        command=command,
        active=bool(script.mode & 0o111),
        remedy=f"`chmod a-x {path}`, or take that line out; ccci-prune frees the disk in its place.",
        stop=(("chmod", "a-x", path),),
    )
    yield (
        pruner
        if is_removal(shlex.quote(path), scripts)
        else pruner.left_to_a_person(_take_out(command, path))
    )


def _started(line: str, units: Sequence[Pruner]) -> Pruner | None:
    """The one of `units` that this line starts, if any."""
    started = re.search(r"\bsystemctl\b.*\b(?:re)?start\b(.*)", line)
    words = started.group(1).split() if started else []
    return next((unit for unit in units if _names(unit) & {*words}), None)


def _names(unit: Pruner) -> set[str]:
    return {unit.service, unit.service.removesuffix(".service")}
