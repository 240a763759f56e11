"""Experiment, history, verdict: whatever happens, the verdict is on disk first."""

import errno
import fcntl
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import cast

import pytest

from ccci_host import evidence, verify
from ccci_host.errors import DeployError, HostError, RefusedError
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.journal import Journal
from ccci_host.records import Cleanup, Event, History, LeaseSeen, Leftovers, PhaseBegan, StoreSeen
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from tests.histories import changed, cut, good, host, of_events, started, store

MACHINE = cast(Machine, None)  # the experiments of these tests touch none
Play = Callable[..., None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Makes the experiment of a task write a history, and then raise an error."""

    def script(history: History, error: BaseException | None = None, task: str = "verify-pc3") -> None:
        def experiment(machine: Machine, journal: Journal, options: Options) -> None:
            for entry in history.entries:
                journal.write(entry.event)
            if error:
                raise error

        monkeypatch.setitem(EXPERIMENTS, task, experiment)

    return script


def lost(task: str = "verify-pc3") -> History:
    return changed(
        good(task),
        StoreSeen,
        lambda _: store("torn-down", without=()).model_copy(update={"images": ()}),
        moment="torn-down",
    )


def run(root: Path, task: str = "verify-pc3") -> verify.Outcome:
    return verify.verify(MACHINE, Options(task=task), root=root)


def test_a_good_run_passes(tmp_path: Path, play: Play) -> None:
    play(good("verify-pc3"))
    outcome = run(tmp_path)
    assert (outcome.verdict, outcome.exit_code) == (Verdict.PASS, 0)
    assert outcome.report.is_file()
    assert outcome.lines()[-1] == f"verify-pc3: PASS: {outcome.reason}"
    assert outcome.value["verdict"] == "PASS"
    assert outcome.value["folder"] == str(outcome.folder)


def test_a_run_that_lost_images_fails(tmp_path: Path, play: Play) -> None:
    play(lost())
    outcome = run(tmp_path)
    assert (outcome.verdict, outcome.exit_code) == (Verdict.FAIL, 1)
    assert "ccci/app:1.0" in outcome.reason
    assert any(line.startswith("What to do: ") for line in outcome.lines())


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_run_that_did_not_begin_leaves_nothing(tmp_path: Path, play: Play, length: int) -> None:
    play(cut(good("verify-pc3"), length), RefusedError("Somebody else's run is under way."))
    with pytest.raises(RefusedError):
        run(tmp_path)
    assert list(tmp_path.iterdir()) == []


TAKEN = LeaseSeen(step="taken", id="one")
GIVEN_BACK = LeaseSeen(step="released", id="one")


def before_the_first_phase(*events: Event) -> History:
    """A run in whose preflight, or right after it, these events came."""
    task = "verify-pc3"
    return of_events((started(task), host(), PhaseBegan(phase="preflight"), *events))


@pytest.mark.parametrize(
    "events",
    [
        (LeaseSeen(step="refused", problem="no agent"),),
        (TAKEN, GIVEN_BACK),
        (TAKEN, Leftovers(removed=()), Cleanup(removed=(), problem="could not look"), GIVEN_BACK),
    ],
    ids=["no lease", "lease given back", "nothing removed"],
)
def test_a_refusal_that_left_the_host_as_it_was_leaves_nothing(
    tmp_path: Path, play: Play, events: tuple[Event, ...]
) -> None:
    play(before_the_first_phase(*events), RefusedError("Somebody else's run is under way."))
    with pytest.raises(RefusedError):
        run(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "events",
    [
        (TAKEN, Leftovers(removed=(("service", "s"),)), GIVEN_BACK),
        (TAKEN, Leftovers(removed=(), left=(("stack", "s", "daemon down"),)), GIVEN_BACK),
        (TAKEN, GIVEN_BACK, Cleanup(removed=(("service", "s"),))),
        (TAKEN, GIVEN_BACK, Cleanup(removed=(), left=(("stack", "s", "daemon down"),))),
        (TAKEN,),
        (TAKEN, LeaseSeen(step="lost", id="one", problem="no space left")),
        (TAKEN, LeaseSeen(step="taken", id="two"), LeaseSeen(step="released", id="two")),
    ],
    ids=[
        "leftovers removed",
        "leftovers left",
        "removed at the end",
        "left at the end",
        "lease held",
        "lease lost",
        "another lease given back",
    ],
)
def test_a_run_that_changed_the_host_before_its_first_phase_leaves_evidence(
    tmp_path: Path, play: Play, events: tuple[Event, ...]
) -> None:
    play(before_the_first_phase(*events), RefusedError("Somebody else's run is under way."))
    with suppress(RefusedError):  # what is left at the end is a FAIL
        run(tmp_path)
    [folder] = tmp_path.iterdir()
    assert evidence.recorded(folder).verdict is not Verdict.PASS
    assert (folder / evidence.HTML).is_file()


def test_an_error_before_anything_is_shown_is_raised_after_the_verdict(tmp_path: Path, play: Play) -> None:
    play(cut(good("verify-pc3"), 12), DeployError("The image does not exist."))
    with pytest.raises(DeployError):
        run(tmp_path)
    [folder] = tmp_path.iterdir()
    assert evidence.recorded(folder).verdict is Verdict.UNKNOWN
    assert (folder / evidence.HTML).is_file()


def test_an_error_after_a_failure_was_seen_is_a_failure(tmp_path: Path, play: Play) -> None:
    whole = lost()
    redeploying = next(
        number
        for number, entry in enumerate(whole.entries)
        if getattr(entry.event, "phase", "") == "redeploy"
    )
    play(cut(whole, redeploying), DeployError("Docker Hub answers 429."))
    outcome = run(tmp_path)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.stopped is not None
    assert "The run stopped early: Docker Hub answers 429." in outcome.lines()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), ValueError("a defect")], ids=lambda item: type(item).__name__
)
def test_whatever_else_happens_is_raised_after_the_verdict(
    tmp_path: Path, play: Play, error: BaseException
) -> None:
    play(cut(good("verify-pc3"), 20), error)
    with pytest.raises(type(error)):
        run(tmp_path)
    [folder] = tmp_path.iterdir()
    assert evidence.recorded(folder).verdict is Verdict.UNKNOWN


def test_several_tasks_have_a_folder_each(tmp_path: Path, play: Play) -> None:
    for task in verify.VERIFY:
        play(good(task), task=task)
    heard: list[str] = []
    outcomes = verify.verify_all(
        lambda: nullcontext(MACHINE),
        verify.VERIFY,
        Options(task=""),
        root=tmp_path,
        listener=lambda outcome: heard.append(outcome.judgement.task),
    )
    assert tuple(heard) == verify.VERIFY
    assert len({outcome.folder for outcome in outcomes}) == 3
    assert verify.overall(outcomes) is Verdict.PASS


def test_the_worst_of_several_decides(tmp_path: Path, play: Play) -> None:
    play(good("verify-pc2"), task="verify-pc2")
    play(lost())
    outcomes = verify.verify_all(
        lambda: nullcontext(MACHINE), ("verify-pc2", "verify-pc3"), Options(task=""), root=tmp_path
    )
    assert verify.overall(outcomes) is Verdict.FAIL
    assert verify.overall(()) is Verdict.UNKNOWN


def test_what_cannot_run_after_a_fail_does_not_hide_it(
    tmp_path: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play(lost())
    play(cut(good("verify-pc2"), 1), HostError("no agent"), task="verify-pc2")

    outcomes = verify.verify_all(
        lambda: nullcontext(MACHINE), ("verify-pc3", "verify-pc2"), Options(task=""), root=tmp_path
    )

    assert [outcome.verdict for outcome in outcomes] == [Verdict.FAIL]
    assert (
        "verify-pc2 could not run, and what would come after it is left out. no agent"
        in capsys.readouterr().err
    )


def test_what_cannot_run_after_a_pass_is_told_as_ever(tmp_path: Path, play: Play) -> None:
    play(good("verify-pc3"))
    play(cut(good("verify-pc2"), 1), HostError("no agent"), task="verify-pc2")
    with pytest.raises(HostError, match="no agent"):
        verify.verify_all(
            lambda: nullcontext(MACHINE), ("verify-pc3", "verify-pc2"), Options(task=""), root=tmp_path
        )


def test_the_loops_files_beside_the_evidence_are_told(tmp_path: Path, play: Play) -> None:
    from ccci_host.generated import part

    (tmp_path / "STATUS-2pc.md").write_text(part("status", "nothing yet"))
    play(good("verify-pc3"))
    run(tmp_path / "evidence")
    status = (tmp_path / "STATUS-2pc.md").read_text()
    assert status.count("| verify-pc3 | ") == 1
    assert "**PASS**" in status


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no lock to give."""

    def flock(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(("history", "code"), [(good("verify-pc3"), 0), (lost(), 1)], ids=["PASS", "FAIL"])
def test_the_verdict_stands_though_the_loops_files_cannot_be_held(
    tmp_path: Path, play: Play, capsys: pytest.CaptureFixture[str], history: History, code: int
) -> None:
    play(history)
    outcome = run(tmp_path / "evidence")
    assert outcome.exit_code == code
    assert evidence.recorded(outcome.folder) == outcome.judgement
    said = capsys.readouterr().err
    assert f"The verdict is in {outcome.folder}." in said
    assert "No locks available" in said and "try again" in said


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), DeployError("no")], ids=lambda item: type(item).__name__
)
def test_what_ended_a_run_is_not_hidden_by_the_loops_files(
    tmp_path: Path, play: Play, error: BaseException
) -> None:
    play(cut(good("verify-pc3"), 20), error)
    with pytest.raises(type(error)):
        run(tmp_path / "evidence")


def test_the_verdict_stands_though_the_loops_files_cannot_be_written(
    tmp_path: Path, play: Play, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccci_host.generated import part

    status = tmp_path / "STATUS-2pc.md"
    status.write_text(part("status", "nothing yet"))
    replace = Path.replace

    def read_only(unfinished: Path, target: Path) -> Path:
        if target == status:
            raise OSError(errno.EROFS, "Read-only file system")
        return replace(unfinished, target)

    monkeypatch.setattr(Path, "replace", read_only)
    play(good("verify-pc3"))
    assert run(tmp_path / "evidence").exit_code == 0
    assert status.read_text() == part("status", "nothing yet")
    said = capsys.readouterr().err
    assert f"{status} is left as it is." in said
    assert "Read-only file system" in said and f"Make {tmp_path} writable" in said


def test_every_task_has_its_experiment() -> None:
    from ccci_host.checks.registry import EVERY_TASK

    assert set(EXPERIMENTS) == set(EVERY_TASK)
