"""Faults against checks: each fault in a run of its own, and the matrix of what came of it.

A row is as expected when the check that the fault names gave the verdict that it names, for the reason
that the fault names where the check knows several, and the run as a whole gave no other. A fault that did
not bite, that left something behind or that disturbed the stranger's stack beside it is not as expected,
whatever the verdict. So a matrix can fail in two more ways: by a fault that does nothing, and by a check that
no fault makes fail.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ccci_host import checkout, evidence
from ccci_host.checks import Finding, Judgement, all_checks
from ccci_host.config import Config
from ccci_host.errors import CcciError, HostError, NotFoundError, RefusedError, UsageError
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.experiments.interrupts import PUTTING_BACK, postponed, stoppable
from ccci_host.experiments.lease import refuse_over_others
from ccci_host.experiments.options import Point
from ccci_host.faults import START, Fault, injected
from ccci_host.faults.aside import put_all_back
from ccci_host.faults.stranger import Stranger
from ccci_host.journal import Journal
from ccci_host.progress import say
from ccci_host.provision import provision
from ccci_host.records import Record, StoreKind
from ccci_host.transport.machine import Machine
from ccci_host.transport.readiness import wait_until_ready
from ccci_host.verdict import Verdict
from ccci_host.witnesses import host

BACK_SECONDS = 180.0
"""What a host may take after a fault until systemd, dockerd and the swarm manager answer again."""


class Row(Record):
    """One fault on one store."""

    name: str
    what: str
    """What the fault does, in a sentence."""
    store: StoreKind
    tried: str
    """The day, UTC."""
    task: str
    expected: Verdict
    verdict: Verdict | None
    """Of the run; None when there was none."""
    check: str
    as_expected: bool
    why: str = ""
    """What the check said, or why the row is not as expected. Not kept: it may name paths of a machine."""

    @property
    def value(self) -> dict[str, object]:
        """For `--json`."""
        return self.model_dump(mode="json", include={*JSON_FIELDS})

    def line(self) -> str:
        """For a terminal."""
        mark = "as expected" if self.as_expected else "NOT AS EXPECTED"
        seen = self.verdict or "no verdict"
        return f"{self.name} ({self.store}): {seen} by {self.check}, {mark}: {self.why}"


WHOLE_RUN = "run-complete"
"""The check of a run that came to its end."""
JSON_FIELDS = ("name", "store", "expected", "verdict", "check", "as_expected")


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every fault that was tried, on every store."""

    rows: tuple[Row, ...]
    whole: bool
    """Whether all faults were asked for, so that every check has to be among them."""

    @property
    def idle_checks(self) -> tuple[str, ...]:
        """The checks that nothing made fail; empty where not all faults were asked for."""
        failed = {row.check for row in self.rows if row.as_expected and row.expected is not Verdict.PASS}
        return tuple(item.name for item in all_checks() if self.whole and item.name not in failed)

    @property
    def exit_code(self) -> int:
        """0 when every row is as expected and every check was made to fail; else 1."""
        return 0 if self.rows and all(row.as_expected for row in self.rows) and not self.idle_checks else 1

    @property
    def value(self) -> dict[str, object]:
        """For `--json`."""
        return {"faults": [row.value for row in self.rows]}

    def lines(self) -> tuple[str, ...]:
        """For a terminal: the matrix, and the verdict on it last."""
        width = max((len(row.name) for row in self.rows), default=0)
        told = [
            f"  {row.name:{width}}  {row.store:10}  {row.verdict or 'none':7}  {row.check}"
            f"{'' if row.as_expected else f'   expected {row.expected}: {row.why}'}"
            for row in self.rows
        ]
        unlike = [row for row in self.rows if not row.as_expected]
        told += [f"No fault makes the check {name} fail." for name in self.idle_checks]
        told.append(
            f"faults: {len(self.rows) - len(unlike)} of {len(self.rows)} rows are as expected"
            + (f", {len(self.idle_checks)} checks were not made to fail." if self.idle_checks else ".")
        )
        return tuple(told)


def disposable_hosts(config: Config) -> tuple[str, ...]:
    """The hosts that faults may be tried on where none is named: each disposable instance once.

    Raises `UsageError` where there is none.
    """
    found: dict[tuple[str, str], str] = {}
    for name, table in config.host.items():
        if table.disposable:
            found.setdefault((table.incus.project, table.incus.instance), name)
    if not found:
        raise UsageError(
            "No host of the configuration has `disposable = true`, so no fault is injected.",
            resolution="Set it under [host.NAME] of a host that may be harmed, or run this where there is no "
            "ccci.toml: then the lab is meant (`invoke lab.up`).",
        )
    return tuple(found.values())


def chosen(faults: Sequence[Fault], names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults called `names`, or all; raises `NotFoundError` for a name that is none."""
    known = {fault.name: fault for fault in faults}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotFoundError(
            f"There is no fault called {' or '.join(unknown)}.",
            resolution=f"The faults are {', '.join(known)}.",
        )
    return tuple(known[name] for name in names) if names else tuple(faults)


def try_faults(
    machine: Machine,
    faults: Sequence[Fault],
    *,
    root: Path | None = None,
    before_each: Callable[[], None] = lambda: None,
    listener: Callable[[Row], None] | None = None,
) -> tuple[Row, ...]:
    """Try each of `faults` that does harm on the machine's store; `listener` hears of each row.

    `before_each` is for what runs use up and the host cannot renew, such as an account's pulls. The host is
    provisioned before, and a stranger's stack runs beside all of them; no more is done where no fault does
    harm on its store. Raises `RefusedError` on a host that is not disposable, and while somebody else holds a
    lease there. SIGTERM and SIGHUP stop it as Ctrl-C does.
    """
    if not machine.config.disposable:
        raise RefusedError(
            f"No fault is injected into {machine.instance.where}.",
            resolution=f"Faults need `disposable = true` under [host.{machine.name}] in ccci.toml.",
        )
    with stoppable():
        if host.look(machine).agent_sha256 is not None:  # without an agent nobody holds a lease
            refuse_over_others(machine)
        for path in put_all_back(machine):
            say(f"A run that was killed had left {path} altered: it is put back.")
        provision(machine)
        store = host.look(machine).store
        if store is None:
            raise HostError(f"Which image store {machine.instance.where} has is not known.")
        harmful = [fault for fault in faults if store in fault.stores]
        if not harmful:
            return ()
        rows = []
        with Stranger(machine) as stranger:
            for number, fault in enumerate(harmful, start=1):
                refuse_over_others(machine)  # the experiment asks as well: too late for a fault before it
                before_each()
                say(f"Fault {number} of {len(harmful)} on {store}: {fault.name}")
                row = _row(machine, fault, store, stranger, root or checkout.FAULT_RUNS)
                rows.append(row)
                if listener:
                    listener(row)
        return tuple(rows)


def require_rows(rows: Sequence[Row], faults: Sequence[Fault], hosts: Sequence[str]) -> None:
    """Raise `UsageError` where none of `faults` does harm on the image stores of `hosts`."""
    if not rows:
        raise UsageError(
            f"No fault that was named does harm on the image store of {' or '.join(hosts)}.",
            details="\n".join(f"{fault.name}: {' and '.join(fault.stores)} only" for fault in faults),
            resolution="Name another fault with --faults, or a host with such a store with --host.",
        )


def _row(machine: Machine, fault: Fault, store: StoreKind, stranger: Stranger, root: Path) -> Row:
    folder = evidence.new_folder(root, fault.name)
    before = stranger.look()
    wrong: list[str] = []
    try:
        _run(machine, fault, folder)
    except CcciError as error:
        wrong.append(str(error))
    judgement = evidence.conclude(folder) if (folder / evidence.HISTORY).exists() else None
    try:
        wait_until_ready(machine, timeout=BACK_SECONDS)
        wrong += _left(machine)
        wrong += stranger.differences(before, renewed=_renews(fault))
    except CcciError as error:
        wrong.append(f"the host did not come back: {error.brief}")
    return as_row(fault, store, judgement, wrong)


def _renews(fault: Fault) -> bool:
    """Whether everybody's containers start anew in a run with this fault."""
    return fault.renews_containers or fault.task == "reboot-and-redeploy"


def as_row(fault: Fault, store: StoreKind, judgement: Judgement | None, wrong: Sequence[str]) -> Row:
    """What came of a fault; `wrong` is what went wrong beside the run."""
    verdict = judgement.verdict if judgement else None
    finding = _finding(judgement, fault.check)
    problems = list(wrong)
    if verdict is not fault.expected:
        problems.append(
            f"the run's verdict is {verdict or 'missing'}: {judgement.reason if judgement else ''}"
        )
    if finding is None or finding.verdict is not fault.expected:
        problems.append(f"the check says {finding.verdict if finding else 'nothing'}")
    elif fault.because not in finding.reason:
        problems.append(f"the check has another reason than the fault: {finding.reason}")
    if fault.expected is Verdict.UNKNOWN and fault.check != WHOLE_RUN:
        ended = _finding(judgement, WHOLE_RUN)
        if ended is None or ended.verdict is not Verdict.PASS:
            problems.append("the run did not come to its end, so anything would be unknown")
    return Row(
        name=fault.name,
        what=(inspect.getdoc(fault) or "").partition("\n")[0],
        store=store,
        tried=datetime.now(UTC).date().isoformat(),
        task=fault.task,
        expected=fault.expected,
        verdict=verdict,
        check=fault.check,
        as_expected=not problems,
        why="; ".join(problems) if problems else finding.reason if finding else "",
    )


def _finding(judgement: Judgement | None, check: str) -> Finding | None:
    return next((one for one in (judgement.findings if judgement else ()) if one.check == check), None)


def _run(machine: Machine, fault: Fault, folder: Path) -> None:
    """The experiment with the fault in it. Raises what went wrong with the fault, not with the run."""
    with _taken_back() as until_the_end:
        seen = until_the_end.enter_context(fault.around(machine))
        injection = _Injection(fault, machine, until_the_end)
        injection.at(START)

        def onlooker(point: Point) -> None:
            injection.at(point)

        argv = ("verify", "--faults", fault.name)
        options = replace(Options(task=fault.task, argv=argv, onlooker=onlooker), **fault.wishes)
        try:
            with Journal(folder / evidence.HISTORY) as journal:
                EXPERIMENTS[fault.task](seen, journal, options)
        except CcciError as error:
            say(f"The run ended early: {error.brief}")
        except KeyboardInterrupt:
            if not (fault.interrupts and injection.done):
                raise
        if injection.trouble:
            raise injection.trouble
        if not injection.done:
            raise HostError(
                f"The run never came to the point {' '.join(fault.point)}, so nothing was injected."
            )
        if not fault.bit():
            raise HostError("The fault was there, and the run never met it.")
        fault.spoil(folder / evidence.HISTORY)


@contextmanager
def _taken_back() -> Iterator[ExitStack]:
    """What is held until the end, and then given up whole before a wish to stop is granted."""
    held = ExitStack()
    try:
        yield held
    except KeyboardInterrupt:
        try:
            _close(held)
        except CcciError as error:  # the wish counts for more, and this is to be known
            say(str(error))
        raise
    except BaseException:
        _close(held)
        raise
    else:
        _close(held)


def _close(held: ExitStack) -> None:
    with postponed(PUTTING_BACK):
        held.close()


class _Injection:
    """Injects a fault at its point, and takes it back at the end of its time."""

    def __init__(self, fault: Fault, machine: Machine, until_the_end: ExitStack) -> None:
        self._fault = fault
        self._machine = machine
        self._held = until_the_end.enter_context(ExitStack())
        self.done = False
        self.trouble: CcciError | None = None

    def at(self, point: Point) -> None:
        """The run is at `point`."""
        try:
            if point == self._fault.point and not self.done:
                self.done = True
                self._held.enter_context(injected(self._fault, self._machine))
            elif point == self._fault.until:
                self._held.close()
        except CcciError as error:
            self.trouble = error
            raise


def _left(machine: Machine) -> list[str]:
    """What the fault left behind; provisioning mends it, for the next one."""
    report = provision(machine)
    changed = [f"{step.name} ({step.why})" for step in report.steps if step.state != "ok"]
    return [f"the fault left the host altered: {', '.join(changed)}"] if changed else []
