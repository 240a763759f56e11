"""`machine-docs/`: what the two loops read. Its generated parts are made of the evidence beside them.

The words of people, and the Adversary's above all, are never touched: a file whose markers are gone is left
as it is, and that is said.
"""

from collections.abc import Sequence
from pathlib import Path

from ccci_host import evidence
from ccci_host.checks import Finding, Judgement
from ccci_host.errors import CcciError
from ccci_host.generated import refresh
from ccci_host.progress import say
from ccci_host.verdict import Verdict

STATUS = "STATUS-2pc.md"
BACKLOG = "BACKLOG-2pc.md"
JOURNAL = "JOURNAL-2pc.md"
REVIEW = "REVIEW-2pc.md"
EVIDENCE = "evidence"

Run = tuple[str, Judgement]
"""The name of a run's folder, and what was judged."""


def runs(folder: Path) -> tuple[Run, ...]:
    """The judged runs below `folder`, the oldest first. A run without a readable verdict is left out."""
    found: list[Run] = []
    for verdict in sorted((folder / EVIDENCE).glob(f"*/{evidence.VERDICT}")):
        try:
            found.append((verdict.parent.name, evidence.recorded(verdict.parent)))
        except CcciError as error:
            say(error.brief)
    return tuple(found)


def update(folder: Path) -> tuple[str, ...]:
    """Make the generated parts of the files in `folder` anew; the names of the files that changed."""
    known = runs(folder)
    parts = {
        STATUS: ("status", status(known)),
        BACKLOG: ("backlog", backlog(known)),
        JOURNAL: ("journal", journal(known)),
        REVIEW: ("review", review(known)),
    }
    changed = []
    for name, (part, body) in parts.items():
        path = folder / name
        if not path.is_file():
            continue
        try:
            if refresh(path, part, body):
                changed.append(name)
        except CcciError as error:
            say(f"{path} is left as it is. {error.brief}")
    return tuple(changed)


def latest(known: Sequence[Run]) -> tuple[Run, ...]:
    """The last run of each task on each host, in the order of their names."""
    last = {(judgement.task, judgement.host): (name, judgement) for name, judgement in known}
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
    return f"{item.host}{f' ({item.label})' if item.label else ''}, {item.store or 'store unknown'}"


def _code(item: Judgement) -> str:
    return f"`{(item.commit or 'none')[:12]}`{' with changes' if item.dirty else ''}"


def _link(name: str) -> str:
    return f"[{name}]({EVIDENCE}/{name}/{evidence.MARKDOWN})"


def _asks(finding: Finding) -> str:
    return f"{finding.reason} {finding.todo}".rstrip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
