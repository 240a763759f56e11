"""Cron lines, and scripts that cron runs, that remove images."""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
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
        yield pruner


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


def _started(line: str, units: Sequence[Pruner]) -> Pruner | None:
    """The one of `units` that this line starts, if any."""
    started = re.search(r"\bsystemctl\b.*\b(?:re)?start\b(.*)", line)
    words = started.group(1).split() if started else []
    return next(
        (unit for unit in units if {unit.service, unit.service.removesuffix(".service")} & {*words}), None
    )
