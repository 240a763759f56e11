"""Phases, looks and counts go into the history as they happen, however they end."""

from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import DeployError, UnreachableError
from ccci_host.experiments import Options
from ccci_host.records import InterfaceSeen, Moment, Note, Phase, PhaseEnded, StoreSeen
from ccci_host.transport.machine import Machine
from tests.unit.experiments.fakes import Bench, FakeStore, store_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Options(task="verify-pc3"))


def ended(bench: Bench) -> PhaseEnded:
    seen = bench.history.last(PhaseEnded)
    assert seen is not None
    return seen


def test_a_phase_that_went_well_is_done(bench: Bench) -> None:
    with bench.run.phase("deploy", 3):
        assert bench.run.current == "deploy"
    assert (ended(bench).phase, ended(bench).cycle, ended(bench).outcome) == ("deploy", 3, "done")
    assert bench.run.current is None


def test_a_phase_that_fails_says_why_and_passes_the_error_on(bench: Bench) -> None:
    with pytest.raises(DeployError), bench.run.phase("deploy"):
        raise DeployError("no such image", details="app:1")
    assert ended(bench).outcome == "failed"
    assert ended(bench).problem == "no such image\napp:1"


@pytest.mark.parametrize("error", [KeyboardInterrupt("SIGTERM"), ZeroDivisionError("oops")])
def test_a_phase_that_is_interrupted_says_by_what(bench: Bench, error: BaseException) -> None:
    with pytest.raises(type(error)), bench.run.phase("deploy"):
        raise error
    assert ended(bench).outcome == "interrupted"
    assert type(error).__name__ in (ended(bench).problem or "")


class Counting:
    """A witness of stretches, and the stretch itself."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def begin(self, machine: Machine) -> "Counting":
        self.log.append(f"begin {self.name}")
        return self

    def end(self, phase: Phase, cycle: int) -> InterfaceSeen:
        self.log.append(f"end {self.name}")
        return InterfaceSeen(phase=phase, cycle=cycle, bytes=1)


def test_counts_are_written_even_when_what_was_counted_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    witnesses = (Counting("a", log), Counting("b", log))
    monkeypatch.setattr("ccci_host.experiments.run.stretch_witnesses", lambda: witnesses)
    with pytest.raises(DeployError), bench.run.counted("redeploy", 2):
        log.append("deploy")
        raise DeployError("no")
    assert log == ["begin a", "begin b", "deploy", "end b", "end a"]
    assert bench.history.during(InterfaceSeen, "redeploy", 2) is not None


def test_a_look_hands_back_the_store(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = FakeStore(store_of(("a", ("k",))))
    monkeypatch.setattr("ccci_host.experiments.run.moment_witnesses", lambda: (witness,))
    seen = bench.run.look("deployed", 1)
    assert seen is not None
    assert seen == bench.history.at(StoreSeen, "deployed", 1)


def test_a_witness_is_asked_at_its_own_moments_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = FakeStore(store_of())
    witness.moments = frozenset({"end"})
    monkeypatch.setattr("ccci_host.experiments.run.moment_witnesses", lambda: (witness,))
    assert bench.run.look("deployed", 1) is None


class Broken(FakeStore):
    """A witness that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__(store_of())
        self.error = error

    def look(self, machine: Machine, moment: Moment, cycle: int) -> StoreSeen:
        raise self.error


def test_a_defect_of_one_witness_costs_its_evidence_and_not_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    witnesses = (Broken(KeyError("odd")), FakeStore(store_of()))
    monkeypatch.setattr("ccci_host.experiments.run.moment_witnesses", lambda: witnesses)
    assert bench.run.look("deployed", 1) is not None
    [note] = bench.history.of(Note)
    assert note.text == "Broken broke: KeyError: 'odd'"


def test_a_machine_out_of_reach_ends_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ccci_host.experiments.run.moment_witnesses", lambda: (Broken(UnreachableError("gone")),)
    )
    with pytest.raises(UnreachableError):
        bench.run.look("deployed", 1)


def test_a_person_is_waited_for_where_that_was_asked(tmp_path: Path) -> None:
    told: list[str] = []
    options = Options(
        task="verify-pc3", pause_before="redeploy", wait_for_person=lambda why, _: told.append(why)
    )
    run = Bench(tmp_path, options).run
    assert run.pause("redeploy")
    assert not run.pause("teardown")
    assert told == ["Waiting before the redeploy: press Enter to go on."]


def test_the_lease_is_kept_while_a_person_is_waited_for(tmp_path: Path) -> None:
    options = Options(task="t", pause_before="redeploy", wait_for_person=lambda _, meanwhile: meanwhile())
    run = Bench(tmp_path, options).run
    renewed: list[str] = []

    class Lease:
        def renew(self) -> None:
            renewed.append("renewed")

    run.lease = Lease()  # type: ignore[assignment]  # of a lease only this is asked
    run.pause("redeploy")
    assert renewed == ["renewed"]


def test_nobody_is_waited_for_where_nobody_is(tmp_path: Path) -> None:
    assert not Bench(tmp_path, Options(task="verify-pc3", pause_before="redeploy")).run.pause("redeploy")


def test_the_lease_is_renewed_whenever_a_phase_begins(bench: Bench) -> None:
    renewed: list[Any] = []

    class Lease:
        def renew(self) -> None:
            renewed.append(bench.kinds())

    bench.run.lease = Lease()  # type: ignore[assignment]  # of a lease only this is asked
    with bench.run.phase("deploy"):
        pass
    assert renewed == [[]]


def test_whoever_looks_on_hears_of_each_point_when_it_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr("ccci_host.experiments.run.stretch_witnesses", lambda: (Counting("bytes", log),))
    bench = Bench(tmp_path, Options(task="verify-pc3", onlooker=lambda point: log.append(" ".join(point))))
    with bench.run.phase("redeploy"), bench.run.counted("redeploy"):
        log.append("deploy")
    with pytest.raises(DeployError), bench.run.phase("evict"):
        raise DeployError("no")
    assert log == [
        "before redeploy",
        "begin bytes",
        "amid redeploy",
        "deploy",
        "done redeploy",
        "end bytes",
        "after redeploy",
        "before evict",
        "after evict",
    ]


def test_an_onlooker_leaves_no_trace_in_the_history() -> None:
    assert "onlooker" not in Options(task="t", onlooker=lambda point: None).recorded()
