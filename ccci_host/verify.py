"""An experiment, its history, the verdict, in that order; nobody hears of a verdict before it is on disk."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from ccci_host import checkout, evidence, machine_docs
from ccci_host.checks import Finding, Judgement, printable
from ccci_host.errors import CcciError
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.journal import Journal, read_history
from ccci_host.progress import say
from ccci_host.records import Cleanup, History, LeaseSeen, Leftovers, PhaseBegan
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict, worst

VERIFY: tuple[str, ...] = ("verify-pc1", "verify-pc2", "verify-pc3")
"""The tasks of a plain `verify`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task."""

    judgement: Judgement
    folder: Path
    stopped: CcciError | None = None
    """What ended the experiment early, where the verdict is all the same a FAIL."""

    @property
    def verdict(self) -> Verdict:
        """Of the run."""
        return self.judgement.verdict

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        return self.judgement.reason

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return self.judgement.findings

    @property
    def exit_code(self) -> int:
        """Of the verdict."""
        return self.verdict.exit_code

    @property
    def report(self) -> Path:
        """For a browser."""
        return self.folder / evidence.HTML

    @property
    def value(self) -> dict[str, object]:
        """For `--json`."""
        return evidence.as_value(self.judgement, self.folder)

    def lines(self) -> tuple[str, ...]:
        """For a terminal; the verdict with its reason comes last."""
        marks: dict[Verdict | None, str] = {
            Verdict.PASS: "PASS   ",
            Verdict.UNKNOWN: "UNKNOWN",
            Verdict.FAIL: "FAIL   ",
        }
        told = [
            f"  {marks.get(finding.verdict, '–      ')}  {finding.check}: {finding.reason}"
            for finding in self.findings
        ]
        if self.stopped:
            told.append(f"The run stopped early: {self.stopped.brief}")
        if self.judgement.todo:
            told.append(f"What to do: {self.judgement.todo}")
        told += [f"Report: {self.report}", f"{self.judgement.task}: {self.verdict}: {self.reason}"]
        return tuple(map(printable, told))


def verify(machine: Machine, options: Options, *, root: Path | None = None) -> Outcome:
    """Run the experiment of `options.task` on `machine`, judge its history, keep both in a folder of `root`.

    An experiment that stops early raises its `CcciError`, since that says nothing about the host, unless what
    was seen until then is a FAIL. Either way the verdict and the report are written first; so they are when
    the run is interrupted. Only a run that did not begin, because it refused to, and left the host as it was,
    leaves no folder.
    """
    experiment = EXPERIMENTS[options.task]
    folder = evidence.new_folder(root or checkout.EVIDENCE, options.task)
    try:
        with Journal(folder / evidence.HISTORY) as journal:
            experiment(machine, journal, options)
    except CcciError as error:
        if not _is_evidence(folder):
            shutil.rmtree(folder)
            raise
        outcome = Outcome(_conclude(folder), folder, error)
        if outcome.verdict is Verdict.FAIL:
            return outcome
        say(f"What was seen until then: {outcome.report}")
        raise
    except BaseException:
        _conclude(folder)
        say(f"What was seen until then: {folder / evidence.HTML}")
        raise
    return Outcome(_conclude(folder), folder)


def _is_evidence(folder: Path) -> bool:
    """Whether the run in `folder` went beyond looking whether it may begin, or changed the host by then."""
    history = read_history(folder / evidence.HISTORY)
    return any(began.phase != "preflight" for began in history.of(PhaseBegan)) or _changed_host(history)


def _changed_host(history: History) -> bool:
    """Whether something was removed, or was to be; or a lease of the run's own may still be held.

    A lease that was given back changed nothing, nor did the release of one that nobody goes by any more.
    """
    cleared: tuple[Leftovers | Cleanup, ...] = (*history.of(Leftovers), *history.of(Cleanup))
    if any(record.removed or record.left for record in cleared):
        return True
    steps = history.of(LeaseSeen)
    given_back = {lease.id for lease in steps if lease.step == "released"}
    return any(lease.step == "taken" and lease.id not in given_back for lease in steps)


def _conclude(folder: Path) -> Judgement:
    """Judge what lies in `folder`, and tell the files of the loops where the folder is among theirs.

    The verdict stands whether or not these files can be made anew; where they cannot, that is said.
    """
    judgement = evidence.conclude(folder)
    if folder.parent.name == machine_docs.EVIDENCE_FOLDER:
        docs = folder.parent.parent
        try:
            machine_docs.update(docs)
        except CcciError as error:
            say(
                f"The verdict is in {folder}. The files in {docs} will tell of it after the next run. {error}"
            )
    return judgement


def verify_all(
    reach: Callable[[], AbstractContextManager[Machine]],
    tasks: Sequence[str],
    options: Options,
    *,
    root: Path | None = None,
    listener: Callable[[Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    """One task after the other on one machine, each with a folder of its own; `listener` hears of each.

    One that cannot run raises its `CcciError`, unless one before it is a FAIL: that stands, and the rest is
    left out.
    """
    outcomes: list[Outcome] = []
    with reach() as machine:
        for task in tasks:
            try:
                outcome = verify(machine, replace(options, task=task), root=root)
            except CcciError as error:
                if overall(outcomes) is not Verdict.FAIL:
                    raise
                say(f"{task} could not run, and what would come after it is left out. {error}")
                break
            outcomes.append(outcome)
            if listener:
                listener(outcome)
    return tuple(outcomes)


def overall(outcomes: Sequence[Outcome]) -> Verdict:
    """The worst of several verdicts; UNKNOWN when there are none."""
    return worst(outcome.verdict for outcome in outcomes)


def closing(outcomes: Sequence[Outcome]) -> str:
    """A line for each experiment, with its report, and the verdict with its reason last."""
    lines = [f"{outcome.judgement.task}: {outcome.verdict} ({outcome.report})" for outcome in outcomes]
    verdict = overall(outcomes)
    if verdict is Verdict.PASS:
        reason = f"{', '.join(outcome.judgement.task for outcome in outcomes)} all pass."
    else:
        worst_ones = [outcome for outcome in outcomes if outcome.verdict is verdict]
        reason = " ".join(f"{outcome.judgement.task}: {outcome.reason}" for outcome in worst_ones)
    return "\n".join([*lines, f"{verdict}: {reason}"])


COPIED = (
    *("task", "exit_code", "began", "ended", "host", "instance", "project", "label", "disposable", "store"),
    *("recipe", "recipe_version", "commit", "dirty", "tree", "policy_sha256"),
)
"""What a verdict takes over from its history, whatever the checks say of it."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """A verdict that was computed again."""

    outcome: Outcome
    on_file: Judgement

    @property
    def confirmed(self) -> bool:
        """Whether the history still gives the verdict on file, finding by finding, and of the same run."""
        now = self.outcome.judgement
        return (
            not self.altered
            and [(item.check, item.verdict) for item in now.findings]
            == [(item.check, item.verdict) for item in self.on_file.findings]
            and now.verdict is self.on_file.verdict
        )

    @property
    def altered(self) -> tuple[str, ...]:
        """What the file says otherwise than the history; what it does not say yet, being older, is not."""
        file, now = self.on_file, self.outcome.judgement
        known = [name for name in COPIED if name in file.model_fields_set]
        return tuple(
            f"{name} is {getattr(file, name)} on file, and {getattr(now, name)} in the history"
            for name in known
            if getattr(file, name) != getattr(now, name)
        )

    def lines(self) -> tuple[str, ...]:
        """For a terminal; the verdict with its reason comes last."""
        if self.confirmed:
            return self.outcome.lines()
        was = {finding.check: finding.verdict for finding in self.on_file.findings}
        differing = [
            f"  {finding.check}: {was.get(finding.check) or 'not asked'} on file, {finding.verdict} now"
            for finding in self.outcome.findings
            if was.get(finding.check) != finding.verdict
        ]
        differing += [f"  {told}" for told in self.altered]
        head = f"On file: {self.on_file.verdict}. It is not what the history comes to by this checkout:"
        return (head, *map(printable, differing), *self.outcome.lines())


def analyze(folder: Path) -> Analysis:
    """Compute the verdict of the run in `folder` again, from its history alone.

    Raises `RefusedError` when the history's SHA-256 is not the verdict's.
    """
    on_file, now = evidence.confirm(folder)
    return Analysis(Outcome(now, folder), on_file)
