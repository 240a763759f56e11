"""`machine-docs/`: what the two loops read. Its generated parts are made of the evidence beside them.

The words of people, and the Adversary's above all, are never touched: a file whose markers are gone is left
as it is, and that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ccci_host import evidence
from ccci_host.alone import alone
from ccci_host.checks import Finding, Judgement
from ccci_host.errors import CcciError, NotFoundError, RefusedError
from ccci_host.generated import read_file, refresh, replace_file
from ccci_host.journal import read_history
from ccci_host.progress import say
from ccci_host.records import Started
from ccci_host.verdict import Verdict

STATUS = "STATUS-2pc.md"
BACKLOG = "BACKLOG-2pc.md"
JOURNAL = "JOURNAL-2pc.md"
REVIEW = "REVIEW-2pc.md"
EVIDENCE_FOLDER = "evidence"

DONE = "## DONE"
"""Says in STATUS-2pc.md that everything is done. A watchdog looks for it, so it stands nowhere else there."""

Run = tuple[str, Judgement]
"""The name of a run's folder, and what was judged."""

Place = tuple[str, str, str | None]
"""A host's name in `ccci.toml`, its instance, and the project in Incus: a name alone may be another's."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A run without a verdict that can be read: it was killed, or is still under way."""

    name: str
    task: str
    place: Place | None
    """None where its history does not tell."""


def runs(folder: Path) -> tuple[Run, ...]:
    """The judged runs below `folder`, the oldest first. A run without a readable verdict is left out."""
    found: list[Run] = []
    for verdict in sorted((folder / EVIDENCE_FOLDER).glob(f"*/{evidence.VERDICT}")):
        try:
            found.append((verdict.parent.name, _placed(evidence.recorded(verdict.parent), verdict.parent)))
        except CcciError as error:
            say(error.brief)
    return tuple(found)


def unjudged(folder: Path, known: Sequence[Run]) -> tuple[Unjudged, ...]:
    """The runs below `folder` that are not among the judged ones, `known`; the oldest first."""
    judged = {name for name, _ in known}
    found = []
    for run in sorted(path for path in (folder / EVIDENCE_FOLDER).glob("*") if path.is_dir()):
        if run.name not in judged:
            started = _started(run)
            task = started.task if started else evidence.task_of(run.name)
            if task is not None:
                found.append(Unjudged(run.name, task, place(started) if started else None))
    return tuple(found)


def place(of: Judgement | Started) -> Place:
    """Where it was."""
    return of.host, of.instance, of.project


def _placed(judgement: Judgement, folder: Path) -> Judgement:
    """`judgement` with the project that its history names, where its file is of before that was kept."""
    if judgement.project is not None:
        return judgement
    started = _started(folder)
    return judgement.model_copy(update={"project": started.project if started else None})


def _started(run: Path) -> Started | None:
    """How the history in the folder `run` begins; None where that cannot be read."""
    try:
        return read_history(run / evidence.HISTORY).first(Started)
    except CcciError:
        return None


def update(folder: Path) -> tuple[str, ...]:
    """Make the generated parts of the files in `folder` anew; the names of the files that changed.

    A file that is not there is not made, and one that cannot be changed is named. Raises what `alone` does.
    """
    with alone(folder):  # from before the runs are read: a later run's rows are not to be lost again
        known = runs(folder)
        parts = {
            STATUS: ("status", status(known)),
            BACKLOG: ("backlog", backlog(known)),
            JOURNAL: ("journal", journal(known)),
            REVIEW: ("review", review(known)),
        }
        changed = []
        for name, (part, body) in parts.items():
            try:
                if refresh(folder / name, part, _quoted(body)):
                    changed.append(name)
            except NotFoundError:
                continue
            except CcciError as error:
                say(f"{folder / name} is left as it is. {error}")
        return tuple(changed)


def _quoted(body: str) -> str:
    """What evidence says, without the words by which a file is read: the watchdog's, and the markers' own."""
    return body.replace(DONE, f"#&#35;{DONE[2:]}").replace("<!--", "&lt;!--")


def is_done(status: str) -> bool:
    """Whether the text of STATUS-2pc.md says so.

    Raises `RefusedError` where the string stands anywhere but once on a line of its own.
    """
    lines = sum(line.rstrip() == DONE for line in status.splitlines())
    if lines > 1 or status.count(DONE) != lines:
        raise RefusedError(
            f"`{DONE}` stands in {STATUS} where no sign-off put it.",
            details="A watchdog looks for that string, and must find it only where a sign-off wrote it.",
            resolution=f"Word {STATUS} differently, and try again.",
        )
    return lines == 1


def write_done(folder: Path, signature: str, at: str) -> bool:
    """Write to STATUS-2pc.md in `folder` that all is done, by `signature`, one line; whether that was news.

    A later sign-off adds a line. Raises `RefusedError` as `is_done` does, `NotFoundError` without a file, and
    `CcciError` when it cannot be changed.
    """
    path = folder / STATUS
    with alone(folder):
        text = read_file(path)
        heading = "" if is_done(text) else f"\n{DONE}\n\n"
        if not heading and text.rstrip().endswith(signature):
            return False
        replace_file(path, f"{text.rstrip()}\n{heading}- {at}: {signature}\n")
        return True


def latest(known: Sequence[Run], where: Place | None = None) -> tuple[Run, ...]:
    """The last run of each task in each place, or in `where` alone, in the order of their names."""
    last = {
        (judgement.task, *map(str, place(judgement))): (name, judgement)
        for name, judgement in known
        if where in (None, place(judgement))
    }
    return tuple(last[key] for key in sorted(last))


def status(known: Sequence[Run]) -> str:
    """Where things stand: a row for each task and host."""
    rows = [
        f"| {item.task} | {_host(item)} | **{item.verdict}** | {_cell(item.reason)} | {_link(name)} "
        f"| {_code(item)} |"
        for name, item in latest(known)
    ]
    if not rows:
        return "No run has been judged yet."
    head = ["| task | host | verdict | why | evidence | code |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def backlog(known: Sequence[Run]) -> str:
    """What the last runs ask to be done: findings that did not pass."""
    lines = [
        f"- [ ] {item.task} on {item.host}: {finding.verdict} `{finding.check}`: {_asks(finding)}"
        for _, item in latest(known)
        for finding in item.findings
        if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    ]
    return "\n".join(lines) or "Nothing: every check of the last runs passed."


def journal(known: Sequence[Run]) -> str:
    """Every run that lies here, one a line, the newest first."""
    lines = [
        f"- {(item.began or '')[:19]} {item.task} on {item.host}: **{item.verdict}**. {item.reason} "
        f"({_link(name)})"
        for name, item in reversed(known)
    ]
    return "\n".join(lines) or "No run has been judged yet."


def review(known: Sequence[Run]) -> str:
    """What there is to be reviewed: the last run of each task, with the SHA-256 of its history."""
    rows = [
        f"| {name} | {item.task} | {_host(item)} | {item.verdict} | `{item.history_sha256}` |"
        for name, item in latest(known)
    ]
    if not rows:
        return "No run waits for a review."
    return "\n".join(["| run | task | host | verdict | history's SHA-256 |", "|---|---|---|---|---|", *rows])


def _host(item: Judgement) -> str:
    where = f"instance {item.instance} of {item.project or 'an unknown project'}"
    return _cell(
        f"{item.host} ({f'{item.label}; ' if item.label else ''}{where}), {item.store or 'store unknown'}"
    )


def _code(item: Judgement) -> str:
    return f"`{(item.commit or 'none')[:12]}`{' with changes' if item.dirty else ''}"


def _link(name: str) -> str:
    return f"[{name}]({EVIDENCE_FOLDER}/{name}/{evidence.MARKDOWN})"


def _asks(finding: Finding) -> str:
    return f"{finding.reason} {finding.todo}".rstrip()


def _cell(text: str) -> str:
    """Text for a cell of a table, which is on one line."""
    return " ".join(text.split()).replace("|", "\\|")
