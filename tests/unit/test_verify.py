"""Experiment, history, verdict: whatever happens, the verdict is on disk first."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import pytest

from ccci_host import evidence, verify
from ccci_host.errors import DeployError, RefusedError
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.journal import Journal
from ccci_host.records import History, StoreSeen
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from tests.histories import changed, cut, good, store

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


@pytest.mark.parametrize("length", [0, 1, 9])
def test_a_run_that_did_not_begin_leaves_nothing(tmp_path: Path, play: Play, length: int) -> None:
    play(cut(good("verify-pc3"), length), RefusedError("Somebody else's run is under way."))
    with pytest.raises(RefusedError):
        run(tmp_path)
    assert list(tmp_path.iterdir()) == []


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


def test_the_loops_files_beside_the_evidence_are_told(tmp_path: Path, play: Play) -> None:
    from ccci_host.generated import part

    (tmp_path / "STATUS-2pc.md").write_text(part("status", "nothing yet"))
    play(good("verify-pc3"))
    run(tmp_path / "evidence")
    status = (tmp_path / "STATUS-2pc.md").read_text()
    assert status.count("| verify-pc3 | ") == 1
    assert "**PASS**" in status


def test_every_task_has_its_experiment() -> None:
    from ccci_host.checks.registry import EVERY_TASK

    assert set(EXPERIMENTS) == set(EVERY_TASK)
