"""Provisioning: observe, plan, apply, observe again.

All facts come in one round trip, all writes go in one more. What has to hold before anything is changed
(Docker Hub takes the PAT) is asked in between. After writing, the second plan must be empty; that it is, is
checked on every run.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ccci_host.errors import CcciError, HostError
from ccci_host.facts.collector import Facts, collect
from ccci_host.pat import read_pat
from ccci_host.progress import doing
from ccci_host.steps.operations import apply
from ccci_host.steps.registry import all_steps
from ccci_host.steps.ssh_access import STEP as SSH
from ccci_host.steps.ssh_access import STILL_REFUSED
from ccci_host.steps.step import Plan, Step, Wanted
from ccci_host.transport.machine import Machine
from ccci_host.transport.ssh import KeyRefusedError

DRIFT = 1


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step found and did."""

    name: str
    why: str
    needed: bool
    """Whether something is, or was, not as it should be."""
    applied: bool
    changes: tuple[str, ...] = ()
    diff: str = ""
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`ok`, `changed`, `drift` (it would be changed) or `problem` (only a person can)."""
        if self.problems:
            return "problem"
        if not self.needed:
            return "ok"
        return "changed" if self.applied else "drift"


@dataclass(frozen=True, slots=True)
class ProvisionReport:
    """What provisioning found and did on one host, step by step."""

    host: str
    check: bool
    steps: tuple[StepReport, ...]

    @property
    def exit_code(self) -> int:
        """1 on drift that was not mended, or a problem that stays; else 0."""
        return DRIFT if any(step.state in ("drift", "problem") for step in self.steps) else 0

    @property
    def changed(self) -> bool:
        """Whether anything was changed on the host."""
        return any(step.applied for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """`{"host", "check", "changed", "exit_code", "steps": [{"name", "state", "why", "changes", "diff",
        "warnings", "problems"}, …]}`; `state` is that of `StepReport`."""
        return {
            "host": self.host,
            "check": self.check,
            "changed": self.changed,
            "exit_code": self.exit_code,
            "steps": [
                {
                    "name": step.name,
                    "state": step.state,
                    "why": step.why,
                    "changes": list(step.changes),
                    "diff": step.diff,
                    "warnings": list(step.warnings),
                    "problems": list(step.problems),
                }
                for step in self.steps
            ],
        }

    def to_text(self, *, diff: bool = False) -> str:
        """Lines for a terminal, with the diffs when asked for; the last line sums up."""
        lines = [line for step in self.steps for line in _step_lines(step, diff)]
        return "\n".join([*lines, self.summary])

    @property
    def summary(self) -> str:
        """One line."""
        problems = sum(len(step.problems) for step in self.steps)
        drifted = [step.name for step in self.steps if step.needed and not step.applied and step.changes]
        parts = []
        if self.changed:
            parts.append("provisioned")
        elif drifted:
            parts.append(f"drift in {', '.join(drifted)}; nothing was changed")
        else:
            parts.append("nothing to do")
        if problems:
            parts.append(f"{problems} problem{'s' if problems > 1 else ''} that only you can mend")
        return f"{self.host}: {'; '.join(parts)}."


def provision(
    machine: Machine,
    *,
    check: bool = False,
    disable_pruners: bool = False,
    steps: Sequence[Step] | None = None,
) -> ProvisionReport:
    """Bring `machine` to what this checkout would have it be; with `check`, only say what would change.

    Raises `ConfigError` (the PAT's source), `CredentialError` (Docker Hub refuses the PAT),
    `UnreachableError` and `HostError`. Nothing has been changed then, unless the message says that it
    stopped half-way, that the host was changed, or that it is not as it should be after provisioning.
    """
    steps = all_steps() if steps is None else steps
    pat = read_pat(machine.config.hub.pat)
    wanted = Wanted(machine.name, machine.config, pat.secret, secrets.token_hex(16), disable_pruners)
    with doing(f"looking at {machine.name}"):
        way, facts = _observe(machine, steps, wanted)
        plans = [step.plan(facts, wanted) for step in steps]
        shut = way is not machine and _has_the_key(steps, plans)
    with doing("asking Docker Hub about the PAT"):
        proofs = [step.prove(way, wanted) if step.prove else () for step in steps]
    operations = [change.operation for plan in plans for change in plan.changes]
    applies = bool(operations) and not check
    if applies:
        with doing(f"provisioning {machine.name}"):
            apply(way, operations)
            _require_settled(way if shut else machine, steps, wanted)
    if shut:
        plans = [
            replace(plan, problems=(*plan.problems, STILL_REFUSED)) if step.name == SSH.name else plan
            for step, plan in zip(steps, plans, strict=True)
        ]
    reports = [
        _report(step, plan, (*plan.warnings, *proven), applied=applies and bool(plan.changes))
        for step, plan, proven in zip(steps, plans, proofs, strict=True)
    ]
    if pat.warning:
        reports = [
            replace(report, warnings=(pat.warning, *report.warnings))
            if report.name == "hub-login"
            else report
            for report in reports
        ]
    return ProvisionReport(machine.name, check, tuple(reports))


def _observe(machine: Machine, steps: Sequence[Step], wanted: Wanted) -> tuple[Machine, Facts]:
    """All facts, and the way by which they came: `machine`, or through Incus when sshd refuses the key."""
    facts = [fact for step in steps for fact in step.facts(wanted)]
    try:
        return machine, collect(machine, *facts)
    except KeyRefusedError:
        through_incus = replace(machine, executor=machine.instance.executor())
        return through_incus, collect(through_incus, *facts)


def _has_the_key(steps: Sequence[Step], plans: Sequence[Plan]) -> bool:
    """Whether the `ssh` step has nothing to add."""
    return any(step.name == SSH.name and not plan.changes for step, plan in zip(steps, plans, strict=True))


def _require_settled(machine: Machine, steps: Sequence[Step], wanted: Wanted) -> None:
    """Observe again by the way that `machine` has, which is SSH when its key has just been authorised.

    Raises `HostError` when a step would still change something, or when nobody can see.
    """
    try:
        facts = collect(machine, *(fact for step in steps for fact in step.facts(wanted)))
        plans = [step.plan(facts, wanted) for step in steps]
    except CcciError as error:
        refused = isinstance(error, KeyRefusedError)
        raise HostError(
            f"{machine.name} was changed, and could not be looked at again{' over SSH' if refused else ''}.",
            details="\n".join(part for part in (error.brief, error.details) if part),
            resolution=STILL_REFUSED if refused else error.resolution,
        ) from None
    left = [
        f"{step.name}: {change.what}"
        for step, plan in zip(steps, plans, strict=True)
        for change in plan.changes
    ]
    if left:
        raise HostError(
            f"{machine.name} is not as it should be after provisioning.",
            details="\n".join(left),
            resolution="Something on the host undoes it (a configuration manager?), or this is a "
            "defect of ours.",
        )


def _report(step: Step, plan: Plan, warnings: tuple[str, ...], *, applied: bool) -> StepReport:
    return StepReport(
        name=step.name,
        why=plan.why,
        needed=bool(plan.changes or plan.problems),
        applied=applied,
        changes=tuple(change.what for change in plan.changes),
        diff="\n".join(change.diff for change in plan.changes if change.diff),
        warnings=warnings,
        problems=plan.problems,
    )


def _step_lines(step: StepReport, diff: bool) -> list[str]:
    lines = [f"{step.state:8}{step.name}: {step.why}"]
    if len(step.changes) > 1:
        lines += [f"        - {change}" for change in step.changes]
    lines += [f"        ! {problem}" for problem in step.problems]
    lines += [f"        warning: {warning}" for warning in step.warnings]
    if diff and step.diff:
        lines += [f"        {line}" for line in step.diff.splitlines()]
    return lines
