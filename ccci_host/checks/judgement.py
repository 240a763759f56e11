"""The verdict of a run: the worst of its findings, and the sentence that says why."""

from collections.abc import Sequence

from ccci_host.checks.finding import Finding
from ccci_host.checks.registry import find_all
from ccci_host.records import History, HostSeen, RecipeChosen, Record, Started
from ccci_host.verdict import Verdict, worst

HEADLINES = {
    "verify-pc1": ("no-competing-pruner", "lease-holds-back-the-sweep"),
    "verify-pc2": ("pulls-authenticated", "credential-in-place"),
    "verify-pc3": ("layers-from-local-store",),
    "reboot-and-redeploy": ("layers-from-local-store",),
}
"""The checks whose reasons speak for a run in which everything passed."""


class Judgement(Record):
    """The content of `verdict.json`: computed from a history, and from nothing else."""

    format: int = 1
    task: str
    verdict: Verdict
    reason: str
    todo: str
    exit_code: int
    history_sha256: str
    began: str | None
    ended: str | None
    host: str
    instance: str
    project: str | None = None
    """Of Incus, the instance's; None in a verdict of before it was kept."""
    label: str | None = None
    disposable: bool
    store: str | None
    recipe: str | None
    recipe_version: str | None
    commit: str | None
    dirty: bool | None
    tree: str | None
    policy_sha256: str | None
    findings: tuple[Finding, ...]

    @property
    def not_shown(self) -> tuple[Finding, ...]:
        """The questions that could not be put on this host."""
        return tuple(finding for finding in self.findings if finding.verdict is None)


def judge(history: History) -> Judgement:
    """The judgement of `history`. The same history gives the same judgement, on any machine, at any time."""
    findings = find_all(history)
    started, host = history.first(Started), history.first(HostSeen)
    host_after = history.last(HostSeen)
    recipe = history.last(RecipeChosen)
    task = started.task if started else "unknown"
    verdict = worst(finding.verdict for finding in findings if finding.verdict is not None)
    speaking = _speaking(task, verdict, findings)
    return Judgement(
        task=task,
        verdict=verdict,
        reason=" ".join(finding.reason for finding in speaking),
        todo=speaking[0].todo,
        exit_code=verdict.exit_code,
        history_sha256=history.sha256,
        began=history.entries[0].at if history.entries else None,
        ended=history.entries[-1].at if history.entries else None,
        host=started.host if started else "unknown",
        instance=started.instance if started else "unknown",
        project=started.project if started else None,
        label=started.label if started else None,
        disposable=started.disposable if started else False,
        store=host.store if host else None,
        recipe=recipe.recipe if recipe else None,
        recipe_version=recipe.version if recipe else None,
        commit=started.commit if started else None,
        dirty=started.dirty if started else None,
        tree=started.tree if started else None,
        policy_sha256=host_after.policy_sha256 if host_after else None,
        findings=findings,
    )


def _speaking(task: str, verdict: Verdict, findings: Sequence[Finding]) -> list[Finding]:
    """Whose reasons are the run's: the task's headlines where everything passed, else the first as severe."""
    agreeing = {finding.check: finding for finding in findings if finding.verdict is verdict}
    headlines = HEADLINES.get(task, ()) if verdict is Verdict.PASS else ()
    return [agreeing[name] for name in headlines] or list(agreeing.values())[:1]
