"""The matrix of faults: what is as expected, and every way in which it is not."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccci_host import fault_table, verify_faults
from ccci_host.checks import all_checks
from ccci_host.config import Config
from ccci_host.errors import CcciError, HostError, NotFoundError, RefusedError, UsageError
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.experiments.lease import AGENT, own_name, refuse_over_others
from ccci_host.experiments.options import Point
from ccci_host.faults import START, Fault
from ccci_host.generated import part
from ccci_host.journal import Journal
from ccci_host.records import Finished, History, HostSeen, StoreSeen, StrangersSeen
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from ccci_host.verify_faults import Matrix, Row, chosen, disposable_hosts, require_rows, try_faults
from tests.fakes import FakeExecutor, completed
from tests.folders import is_held
from tests.histories import changed, cut, good, host, store
from tests.unit.machines import fake_machine, host_table

LOST = changed(
    good("verify-pc3"),
    StoreSeen,
    lambda _: store("torn-down").model_copy(update={"images": ()}),
    moment="torn-down",
)
"""What a run sees whose images were pruned."""


class Prune(Fault):
    """Takes the images away. It bites, unless told otherwise."""

    name, task, check = "prune", "verify-pc3", "images-retained"
    point: Point = ("before", "redeploy")

    def __init__(self) -> None:
        self.log: list[str] = []
        self.bites = True
        self.meets = True
        self.present = False

    def inject(self, machine: Machine) -> None:
        self.log.append("inject")
        self.present = self.bites

    def is_present(self, machine: Machine) -> bool:
        return self.present

    def revert(self, machine: Machine) -> None:
        self.log.append("revert")
        self.present = False

    def bit(self) -> bool:
        return self.meets


class AtTheStart(Prune):
    point = START


class ForAWhile(Prune):
    until = ("before", "final-teardown")


class Stage:
    """A host whose experiment writes a history, and tells its onlooker of some points."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.history: History = LOST
        self.error: BaseException | None = None
        self.left: list[str] = []
        self.disturbed: list[str] = []
        self.heard: list[str] = []
        self.asked: list[CcciError | None] = []
        """What the next looks for somebody else's lease come to; none of them finds any."""
        self.done: list[str] = []
        self.seen = host()
        monkeypatch.setitem(EXPERIMENTS, "verify-pc3", self._experiment)
        monkeypatch.setattr(verify_faults, "provision", lambda machine: self.done.append("provision"))
        monkeypatch.setattr(verify_faults, "refuse_over_others", self._refuse)
        monkeypatch.setattr(verify_faults, "put_all_back", self._heal)
        monkeypatch.setattr(verify_faults, "_left", lambda machine: self.left)
        monkeypatch.setattr(verify_faults, "wait_until_ready", lambda machine, timeout: None)
        monkeypatch.setattr("ccci_host.verify_faults.host.look", lambda machine: self.seen)
        monkeypatch.setattr(verify_faults, "Stranger", self._stranger)

    def _experiment(self, machine: Machine, journal: Journal, options: Options) -> None:
        assert options.onlooker is not None
        for entry in self.history.entries:
            journal.write(entry.event)
        for phase in ("teardown", "redeploy", "final-teardown"):
            options.onlooker(("before", phase))
        if self.error:
            raise self.error

    def _heal(self, machine: Machine) -> tuple[str, ...]:
        self.done.append("put back")
        return ("/etc/docker/daemon.json",)

    def _refuse(self, machine: Machine) -> None:
        self.done.append("look for leases")
        refusal = self.asked.pop(0) if self.asked else None
        if refusal:
            raise refusal

    @contextmanager
    def _stranger(self, machine: Machine) -> Iterator["Stage"]:
        self.done.append("start the stranger")
        yield self

    def look(self) -> StrangersSeen:
        return StrangersSeen(moment="start")

    def differences(self, before: StrangersSeen, *, renewed: bool) -> list[str]:
        return self.disturbed

    def row(self, fault: Fault) -> Row:
        [row] = try_faults(
            fake_machine(FakeExecutor(), host_table(disposable=True)),
            [fault],
            root=self.folder,
            listener=lambda row: self.heard.append(row.name),
        )
        return row


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_a_fault_that_its_check_answers_for_is_as_expected(stage: Stage) -> None:
    fault = Prune()
    row = stage.row(fault)
    assert (row.verdict, row.as_expected) == (Verdict.FAIL, True), row.why
    assert row.what == "Takes the images away. It bites, unless told otherwise."
    assert fault.log == ["inject", "revert"]
    assert stage.heard == ["prune"]


@pytest.mark.parametrize("kind", [AtTheStart, ForAWhile])
def test_it_comes_and_goes_when_it_says(kind: Callable[[], Prune], stage: Stage) -> None:
    fault = kind()
    assert stage.row(fault).as_expected
    assert fault.log == ["inject", "revert"]


def test_a_run_that_does_not_notice_is_not_as_expected(stage: Stage) -> None:
    stage.history = good("verify-pc3")
    row = stage.row(Prune())
    assert (row.verdict, row.as_expected) == (Verdict.PASS, False)


def test_another_check_in_its_place_is_not_as_expected(stage: Stage) -> None:
    fault = Prune()
    fault.check = "pull-path-is-real"  # type: ignore[misc]
    row = stage.row(fault)
    assert not row.as_expected
    assert "the check says PASS" in row.why


def test_the_same_verdict_for_another_reason_is_not_as_expected(stage: Stage) -> None:
    class Refused(Prune):
        expected = Verdict.UNKNOWN
        check = "run-complete"
        because = "Somebody else's run is under way"

    def ended(problem: str) -> History:
        return changed(good("verify-pc3"), Finished, {"outcome": "failed", "problem": problem})

    stage.history = ended("Somebody else's run is under way on ci.")
    assert stage.row(Refused()).as_expected
    stage.history = ended("The Docker daemon on ci does not answer.")
    row = stage.row(Refused())
    assert (row.verdict, row.as_expected) == (Verdict.UNKNOWN, False)
    assert "another reason than the fault" in row.why


def test_a_fault_that_does_not_bite_is_not_as_expected(stage: Stage) -> None:
    fault = Prune()
    fault.bites = False
    row = stage.row(fault)
    assert not row.as_expected
    assert "did not bite" in row.why
    assert fault.log == ["inject", "revert"]


def test_a_fault_that_the_run_never_met_is_not_as_expected(stage: Stage) -> None:
    fault = Prune()
    fault.meets = False
    assert "never met it" in stage.row(fault).why


def test_a_point_that_no_run_comes_to_is_not_as_expected(stage: Stage) -> None:
    fault = Prune()
    fault.point = ("before", "cold-pull")
    row = stage.row(fault)
    assert not row.as_expected
    assert "before cold-pull" in row.why


def test_what_a_fault_leaves_or_disturbs_is_not_as_expected(stage: Stage) -> None:
    stage.left = ["the fault left the host altered: agent"]
    stage.disturbed = ["the stranger's image is gone"]
    row = stage.row(Prune())
    assert not row.as_expected
    assert "left the host altered" in row.why
    assert "stranger's image" in row.why


def test_an_experiment_that_ends_early_is_judged_all_the_same(stage: Stage) -> None:
    stage.error = HostError("dockerd is gone")
    assert stage.row(Prune()).as_expected


def test_an_interrupt_that_nobody_injected_ends_the_matrix(stage: Stage) -> None:
    stage.error = KeyboardInterrupt()
    fault = Prune()
    with pytest.raises(KeyboardInterrupt):
        stage.row(fault)
    assert fault.log == ["inject", "revert"]


def test_one_that_was_injected_does_not(stage: Stage) -> None:
    stage.error = KeyboardInterrupt()
    fault = Prune()
    fault.interrupts = True  # type: ignore[misc]
    assert stage.row(fault).as_expected


def test_a_fault_that_harms_the_history_harms_it_before_the_verdict(stage: Stage) -> None:
    class Cut(Prune):
        expected = Verdict.UNKNOWN
        check = "run-complete"

        def spoil(self, history: Path) -> None:
            history.write_bytes(history.read_bytes()[:-20])

    stage.history = good("verify-pc3")
    assert stage.row(Cut()).as_expected


def test_an_unknown_for_want_of_a_whole_run_is_not_as_expected(stage: Stage) -> None:
    class Blind(Prune):
        expected = Verdict.UNKNOWN
        check = "one-swarm-node"

    several = changed(good("verify-pc3"), HostSeen, {"swarm_nodes": 2})
    stage.history = several
    assert stage.row(Blind()).as_expected
    stage.history = cut(several, len(several.entries) - 3)
    row = stage.row(Blind())
    assert (row.verdict, row.as_expected) == (Verdict.UNKNOWN, False)
    assert "did not come to its end" in row.why


def test_what_runs_use_up_is_renewed_before_each(stage: Stage) -> None:
    machine = fake_machine(FakeExecutor(), host_table(disposable=True))
    renewed: list[str] = []
    faults = [Prune(), Prune()]
    try_faults(machine, faults, root=stage.folder, before_each=lambda: renewed.append("pulls"))
    assert renewed == ["pulls", "pulls"]


def test_a_fault_of_another_store_is_not_tried(stage: Stage) -> None:
    fault = Prune()
    fault.stores = ("containerd",)  # type: ignore[misc]
    machine = fake_machine(FakeExecutor(), host_table(disposable=True))
    assert try_faults(machine, [fault], root=stage.folder) == ()
    assert "start the stranger" not in stage.done


def test_a_host_that_is_not_disposable_is_left_alone(stage: Stage) -> None:
    machine = fake_machine(FakeExecutor(), host_table(disposable=False))
    with pytest.raises(RefusedError):
        try_faults(machine, [Prune()], root=stage.folder)


TAKEN = RefusedError("Somebody else's run is under way on ci.", details="Ana holds a lease until noon.")


def test_while_somebody_else_is_at_work_the_host_is_not_touched(stage: Stage) -> None:
    stage.asked = [TAKEN]
    with pytest.raises(RefusedError, match="Somebody else's run"):
        stage.row(Prune())
    assert stage.done == ["look for leases"]


def test_somebody_who_came_later_meets_no_fault_and_ends_the_matrix(stage: Stage) -> None:
    class Surrounded(AtTheStart):
        @contextmanager
        def around(self, machine: Machine) -> Iterator[Machine]:
            self.log.append("around")
            yield machine

    fault = Surrounded()
    stage.asked = [None, TAKEN]
    with pytest.raises(RefusedError, match="Somebody else's run"):
        stage.row(fault)
    assert fault.log == []
    assert stage.heard == []
    assert stage.row(fault).as_expected


def test_what_a_killed_matrix_left_is_put_back_before_anything_mends_it(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.row(Prune())
    assert stage.done.index("put back") < stage.done.index("provision")
    assert "had left /etc/docker/daemon.json altered: it is put back" in capsys.readouterr().err


def test_a_wish_to_stop_is_not_lost_over_a_fault_that_stays(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stays(AtTheStart):
        def revert(self, machine: Machine) -> None:
            raise HostError("the timer cannot be started")

    stage.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        stage.row(Stays())
    assert "the timer cannot be started" in capsys.readouterr().err


def test_of_a_host_without_an_agent_nobody_holds_a_lease(stage: Stage) -> None:
    stage.seen = host(agent_sha256=None)
    stage.asked = [None]
    assert stage.row(Prune()).as_expected
    assert stage.done == ["put back", "provision", "start the stranger", "look for leases"]


def test_a_lease_that_an_earlier_row_lost_track_of_refuses_no_later_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [{"id": "abc", "owner": own_name(), "until": "noon"}]
    executor = FakeExecutor(
        {
            f"{AGENT} status --json": lambda *_: completed(json.dumps({"leases": left})),
            f"{AGENT} lease --release abc": lambda *_: completed(str(left.pop())),
        }
    )
    monkeypatch.setattr(verify_faults, "refuse_over_others", refuse_over_others)
    machine = fake_machine(executor, host_table(disposable=True))
    [row] = try_faults(machine, [AtTheStart()], root=stage.folder)
    assert row.as_expected, row.why
    assert left == []


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_injection_takes_the_fault_back(number: signal.Signals, stage: Stage) -> None:
    class Slow(AtTheStart):
        def inject(self, machine: Machine) -> None:
            super().inject(machine)
            signal.raise_signal(number)
            self.log.append("went on")

    fault = Slow()
    with pytest.raises(KeyboardInterrupt):
        stage.row(fault)
    assert fault.log == ["inject", "revert"]


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("kind", [Prune, ForAWhile])
def test_a_wish_to_stop_waits_until_all_is_taken_back(kind: type[Prune], stage: Stage) -> None:
    class Surrounded(kind):  # type: ignore[misc, valid-type]
        @contextmanager
        def around(self, machine: Machine) -> Iterator[Machine]:
            try:
                yield machine
            finally:
                signal.raise_signal(signal.SIGTERM)
                self.log.append("nothing around")

        def revert(self, machine: Machine) -> None:
            signal.raise_signal(signal.SIGINT)
            super().revert(machine)

    fault = Surrounded()
    with pytest.raises(KeyboardInterrupt):
        stage.row(fault)
    assert fault.log == ["inject", "revert", "nothing around"]
    assert stage.heard == []


def row(name: str, check: str, *, expected: Verdict = Verdict.FAIL, as_expected: bool = True) -> Row:
    return Row(
        name=name,
        what="Harm.",
        store="classic",
        tried="2026-03-01",
        task="verify-pc3",
        expected=expected,
        verdict=expected if as_expected else Verdict.PASS,
        check=check,
        as_expected=as_expected,
        why="because",
    )


EVERY = tuple(row(f"against-{item.name}", item.name) for item in all_checks())


def test_a_whole_matrix_in_which_each_check_fails_once_ends_with_0() -> None:
    matrix = Matrix(EVERY, whole=True)
    assert (matrix.exit_code, matrix.idle_checks) == (0, ())
    assert matrix.lines()[-1] == f"faults: {len(EVERY)} of {len(EVERY)} rows are as expected."


def test_a_check_that_no_fault_makes_fail_fails_the_suite() -> None:
    missing = EVERY[0].check
    passing = row("harmless", missing, expected=Verdict.PASS)
    matrix = Matrix((*EVERY[1:], passing), whole=True)
    assert (matrix.exit_code, matrix.idle_checks) == (1, (missing,))
    assert f"No fault makes the check {missing} fail." in matrix.lines()
    assert Matrix(EVERY[1:], whole=False).exit_code == 0


def test_a_row_that_is_not_as_expected_fails_the_suite_and_says_why() -> None:
    matrix = Matrix((row("prune", "nothing-evicted", as_expected=False),), whole=False)
    assert matrix.exit_code == 1
    assert "expected FAIL: because" in matrix.lines()[0]
    assert Matrix((), whole=False).exit_code == 1


def test_the_value_has_the_agreed_fields() -> None:
    assert Matrix((row("prune", "nothing-evicted"),), whole=False).value == {
        "faults": [
            {
                "name": "prune",
                "store": "classic",
                "expected": "FAIL",
                "verdict": "FAIL",
                "check": "nothing-evicted",
                "as_expected": True,
            }
        ]
    }


def test_names_choose_faults_and_a_wrong_one_is_told() -> None:
    faults = (Prune(),)
    assert chosen(faults, []) == chosen(faults, ["prune"]) == faults
    with pytest.raises(NotFoundError, match="no fault called purge"):
        chosen(faults, ["purge"])


def test_each_disposable_instance_is_tried_once() -> None:
    hosts = {
        name: host_table(
            incus={"endpoint": "/incus/unix.socket", "instance": instance}, disposable=disposable
        )
        for name, instance, disposable in (
            ("a", "one", True),
            ("a-remote", "one", True),
            ("b", "two", True),
            ("in-use", "three", False),
        )
    }
    assert disposable_hosts(Config.model_construct(host=hosts)) == ("a", "b")


def test_a_configuration_without_a_disposable_host_is_told() -> None:
    config = Config.model_construct(host={"prod": host_table(disposable=False)})
    with pytest.raises(UsageError, match="No host of the configuration has `disposable = true`") as told:
        disposable_hosts(config)
    assert "[host.NAME]" in told.value.resolution


def test_faults_of_another_store_only_are_told() -> None:
    fault = Prune()
    fault.stores = ("classic",)  # type: ignore[misc]
    with pytest.raises(UsageError, match="the image store of ci") as told:
        require_rows([], [fault], ["ci"])
    assert told.value.details == "prune: classic only"
    require_rows([row("prune", "nothing-evicted")], [fault], ["ci"])


def test_the_table_keeps_the_rows_of_other_faults(tmp_path: Path) -> None:
    kept, docs = tmp_path / "faults.json", tmp_path / "verification.md"
    docs.write_text(f"Before.\n{part('faults', '')}\n{part('checks', '')}\nAfter.\n")
    fault_table.record([row("prune", "nothing-evicted"), row("cron", "timer-armed")], kept, docs)
    fault_table.record([row("prune", "nothing-evicted", as_expected=False)], kept, docs)
    text = docs.read_text()
    assert "| cron | Harm. | FAIL | `timer-armed` | FAIL | – |" in text
    assert "| prune | Harm. | FAIL | `nothing-evicted` | **PASS**, not as expected | – |" in text
    assert "2 rows, 1 as expected. Tried 2026-03-01." in text
    assert text.startswith("Before.")
    assert "| cron |\n" in text.partition("generated: checks")[2]


def test_the_table_is_changed_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, docs = tmp_path / "faults.json", tmp_path / "verification.md"
    docs.write_text(f"{part('faults', '')}\n{part('checks', '')}\n")
    held: list[bool] = []

    def table(rows: tuple[Row, ...]) -> str:
        held.append(is_held(kept.parent))
        return "table"

    monkeypatch.setattr(fault_table, "as_markdown", table)
    fault_table.record([row("prune", "nothing-evicted")], kept, docs)
    assert held == [True]
    assert not is_held(kept.parent)
