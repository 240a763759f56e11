"""Sign-off: STATUS-2pc.md says that all is done, where that can be shown this very minute.

The evidence must give its verdict again, belong to this checkout and to what the host runs now, be young, and
have the Adversary's PASS. Everything that is missing is named at once. A sign-off is never taken back: what
no longer holds is reported.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from ccci_host import checkout, machine_docs, review
from ccci_host.agent import paths
from ccci_host.checks import Judgement, printable
from ccci_host.checks.registry import EVERY_TASK
from ccci_host.errors import CcciError
from ccci_host.evidence import HISTORY
from ccci_host.experiments.started import tree_hash
from ccci_host.facts.answers import Absent, Answer, Present
from ccci_host.facts.collector import collect
from ccci_host.facts.docker import DOCKER, Docker
from ccci_host.generated import read_file
from ccci_host.journal import read_history
from ccci_host.records import HostSeen
from ccci_host.steps.agent_files import INSTALLED
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from ccci_host.verify import analyze

REQUIRED: tuple[str, ...] = EVERY_TASK
"""What shows PC1, PC2 and PC3. By PC2 the store survives reboots, and only the last of them reboots."""

YOUNG = timedelta(days=1)
"""What is older than this tells of yesterday's host."""

SHORT = 12
"""Characters of a hash that a person compares."""


@dataclass(frozen=True, slots=True)
class Now:
    """What evidence is held against."""

    host: str
    instance: str
    project: str
    tree: str | None
    """Of this checkout; None where git cannot tell."""
    policy: str
    """SHA-256 of the policy that the host runs; or, in words, why there is none."""
    agent: str
    """The same of the agent's program."""
    daemon: str
    """What the host's dockerd calls itself: two servers may have a host of one name. Empty: nobody knows."""
    at: datetime

    @property
    def place(self) -> machine_docs.Place:
        """Where the runs have to have been."""
        return self.host, self.instance, self.project


@dataclass(frozen=True, slots=True)
class Objection:
    """A reason not to sign off."""

    about: str
    """A run, or the task that has none."""
    reason: str
    todo: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """How it stands."""

    signed: bool
    """Whether STATUS-2pc.md says that all is done on this host."""
    runs: tuple[str, ...]
    """The runs that were looked at."""
    objections: tuple[Objection, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing stands against it."""
        return not self.objections

    @property
    def exit_code(self) -> int:
        """0 when it is signed off, rightly."""
        return 0 if self.signed and self.holds else 1

    @property
    def value(self) -> dict[str, object]:
        """For `--json`."""
        missing = [{"about": one.about, "reason": one.reason, "todo": one.todo} for one in self.objections]
        return {"signed": self.signed, "holds": self.holds, "runs": list(self.runs), "missing": missing}

    def lines(self) -> tuple[str, ...]:
        """For a terminal; how it stands comes last."""
        told: list[str] = []
        for about, group in groupby(self.objections, lambda one: one.about):
            each = list(group)
            told += [f"{about}:", *(f"  {one.reason}." for one in each)]
            told += [f"  What to do: {todo}" for todo in dict.fromkeys(one.todo for one in each)]
        return (*map(printable, told), self._standing())

    def _standing(self) -> str:
        reasons = f"{len(self.objections)} reason{'s' if len(self.objections) != 1 else ''} above"
        if self.signed:
            return f"Signed off, and {'it holds' if self.holds else f'holds no longer: {reasons}'}."
        if not self.holds:
            return f"Not signed off: {reasons}."
        return "Not signed off, and nothing stands against it: `invoke sign-off` would do it."


def look(machine: Machine, at: datetime | None = None) -> Now:
    """What the evidence must belong to: this checkout, and what `machine` runs at this moment."""
    facts = collect(machine, INSTALLED, DOCKER)
    installed, docker = facts[INSTALLED], facts[DOCKER]
    policy = installed.texts[paths.POLICY]
    return Now(
        host=machine.name,
        instance=machine.config.incus.instance,
        project=machine.config.incus.project,
        tree=tree_hash(checkout.ROOT),
        policy=hashlib.sha256(policy.content).hexdigest() if isinstance(policy, Present) else _no(policy),
        agent=installed.archive.text.strip()
        if isinstance(installed.archive, Present)
        else _no(installed.archive),
        daemon=docker.id if isinstance(docker, Docker) else "",
        at=at or datetime.now(UTC),
    )


def _no(answer: Answer) -> str:
    return "none" if isinstance(answer, Absent) else f"unreadable ({getattr(answer, 'reason', '')})"


def sign_off(now: Now, folder: Path = checkout.MACHINE_DOCS, *, check: bool = False) -> SignOff:
    """Sign off in the STATUS-2pc.md of `folder` unless something stands against it, or only look (`check`).

    Raises `NotFoundError` without that file or REVIEW-2pc.md, `RefusedError` where the former says in a place
    of its own that all is done.
    """
    status = read_file(folder / machine_docs.STATUS)
    signed = machine_docs.is_done(status) and _of(now.place) in status.partition(machine_docs.DONE)[2]
    words = read_file(folder / machine_docs.REVIEW)
    known = machine_docs.runs(folder)
    unjudged = machine_docs.unjudged(folder, known)
    found = {item.task: name for name, item in machine_docs.latest(known, now.place) if item.task in REQUIRED}
    objections = [
        objection
        for task in REQUIRED
        for objection in (
            *_about(task, found, folder, words, now),
            *_unjudged(task, found, unjudged, now),
        )
    ]
    runs = tuple(found[task] for task in REQUIRED if task in found)
    if not objections and not check:
        at = now.at.isoformat(timespec="seconds")
        machine_docs.write_done(folder, signature(now, runs), at)
        signed = True
    return SignOff(signed, runs, tuple(objections))


def signature(now: Now, runs: Sequence[str]) -> str:
    """What is signed for, on one line."""
    parts = f"tree `{now.tree}`, policy `{now.policy}`, agent `{now.agent}`"
    return f"{', '.join(runs)}{_of(now.place)}{parts}"


def _of(place: machine_docs.Place) -> str:
    """How a signature names the host: the string that all is done may have been written for another."""
    return f" on {_where(place)}; "


def _about(task: str, found: dict[str, str], folder: Path, words: str, now: Now) -> Iterator[Objection]:
    """What stands against the last run of `task`."""
    again = f"Run `invoke {task} --host {now.host}` from this checkout."
    name = found.get(task)
    if name is None:
        missing = f"there is no run of it on {_where(now.place)} in {machine_docs.EVIDENCE_FOLDER}/"
        yield Objection(task, missing, again)
        return
    run = folder / machine_docs.EVIDENCE_FOLDER / name
    try:
        analysis = analyze(run)
        looks = read_history(run / HISTORY).of(HostSeen)
    except CcciError as error:
        yield Objection(name, f"its verdict cannot be computed again: {error.brief.rstrip('.')}", again)
        return
    judgement = analysis.outcome.judgement
    if not analysis.confirmed:
        both = f"{analysis.on_file.verdict} on file, {judgement.verdict} now"
        yield Objection(
            name,
            f"`invoke analyze` does not confirm it: {'; '.join((both, *analysis.altered))}",
            f"`invoke analyze {name}` names the checks that differ. {again}",
        )
    if judgement.verdict is not Verdict.PASS:
        yield Objection(name, f"it ended as {judgement.verdict}: {judgement.reason.rstrip('.')}", again)
    for reason in _foreign(task, judgement, looks, now):
        yield Objection(name, reason, again)
    yield from _unreviewed(name, judgement, words)


def _unjudged(
    task: str, found: dict[str, str], unjudged: Sequence[machine_docs.Unjudged], now: Now
) -> Iterator[Objection]:
    """The runs of `task` that came after the last judged one; where a host is not told, it may be this."""
    for run in unjudged:
        if run.task == task and run.place in (None, now.place) and run.name > found.get(task, ""):
            yield Objection(
                run.name,
                "it has no verdict that can be read, and no later run of its task has one: "
                "it was killed, or is still under way",
                f"Wait until it ends. If it was killed, nothing will judge it: run `invoke {task} --host "
                f"{now.host}` again, from this checkout.",
            )


def _foreign(task: str, judgement: Judgement, looks: Sequence[HostSeen], now: Now) -> Iterator[str]:
    """Why a run says nothing about this code and this host as they are.

    What was changed amid a run is neither what was there before nor what came after: each look has to agree.
    """
    place = machine_docs.place(judgement)
    if (judgement.task, place) != (task, now.place):
        yield f"its history is of {judgement.task} on {_where(place)}"
    if judgement.tree is None or judgement.tree != now.tree:
        yield f"it was made by other code: tree {_short(judgement.tree)} then, {_short(now.tree)} here now"
    for policy in _others(now.policy, (seen.policy_sha256 for seen in looks)):
        yield f"the host runs another policy: {_short(now.policy)} at {paths.POLICY}, {_short(policy)} then"
    for agent in _others(now.agent, (seen.agent_sha256 for seen in looks)):
        yield f"the host has another agent: {_short(now.agent)} at {paths.ARCHIVE}, {_short(agent)} then"
    for daemon in _others(now.daemon, (seen.daemon or None for seen in looks)):
        here, there = now.daemon or "unknown", daemon or "unknown"
        yield f"the host's dockerd is another, or lost its data: {here} now, {there} then"
    age = now.at - datetime.fromisoformat(judgement.began) if judgement.began else None
    if age is None:
        yield "nobody knows when it began"
    elif age > YOUNG:
        yield f"it is {age / timedelta(hours=1):.0f} hours old, and a day is the most"
    elif age < timedelta(0):
        yield f"it began at {judgement.began}, which is yet to come by this machine's clock"


def _others(now: str, then: Iterable[str | None]) -> list[str | None]:
    """What was seen that is not `now`, each once; None where nothing was, or where nothing is known now."""
    seen = list(dict.fromkeys(then)) or [None]
    return [one for one in seen if one != now or not now]


def _unreviewed(name: str, judgement: Judgement, words: str) -> Iterator[Objection]:
    said = review.last_word(words, name)
    asked = review.pass_line(name, judgement.history_sha256)
    todo = f"The Adversary writes `{asked}` in {machine_docs.REVIEW}, on a line of its own."
    if said is None:
        yield Objection(name, f"{machine_docs.REVIEW} has no word of the Adversary's on it", todo)
    elif not review.says_pass(said, name):
        yield Objection(name, f"the Adversary's last word on it is no plain PASS of it: {said!r}", todo)
    elif not review.is_pass(said, name, judgement.history_sha256):
        yield Objection(name, f"the Adversary's PASS does not name its history by SHA-256: {said!r}", todo)


def _where(place: machine_docs.Place) -> str:
    host, instance, project = place
    return f"{host} (instance {instance} of project {project})"


def _short(value: str | None) -> str:
    """A hash for a person, or the words that stand for it."""
    return "none" if not value else value[:SHORT] + "…" if len(value) == 64 and value.isalnum() else value
