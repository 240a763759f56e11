"""The folder of a run, and the verdict computed again."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccci_host import evidence
from ccci_host.errors import CcciError, NotFoundError, RefusedError
from ccci_host.journal import Journal
from ccci_host.verdict import Verdict
from ccci_host.verify import analyze
from tests.histories import good

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the history of a good run and its verdict."""
    folder = evidence.new_folder(tmp_path_factory.mktemp("evidence"), "verify-pc3", NOW)
    with Journal(folder / evidence.HISTORY) as journal:
        for entry in good("verify-pc3").entries:
            journal.write(entry.event)
    evidence.conclude(folder)
    return folder


@pytest.fixture
def folder(judged: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(judged, tmp_path / judged.name))


def test_a_folder_is_named_after_time_and_task(tmp_path: Path) -> None:
    names = [evidence.new_folder(tmp_path / "deep", "verify-pc1", NOW).name for _ in range(2)]
    assert names == ["20260301T120000Z-verify-pc1", "20260301T120000Z-verify-pc1-2"]


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("20260301T120000Z-verify-pc1", "verify-pc1"),
        ("20260301T120000Z-verify-pc1-12", "verify-pc1"),
        ("20260301T120000Z-", None),
        ("verify-pc1", None),
    ],
)
def test_the_task_of_a_folder(name: str, task: str | None) -> None:
    assert evidence.task_of(name) == task


def test_a_verdict_that_finds_no_room_is_an_error_and_no_defect(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (folder / evidence.VERDICT).unlink()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CcciError, match="could not be written") as caught:
        evidence.conclude(folder)
    assert "No space left" in caught.value.details
    assert sorted(path.name for path in folder.iterdir()) == ["history.jsonl", "report.html", "report.md"]


def test_a_root_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CcciError, match="No evidence can be kept"):
        evidence.new_folder(tmp_path / "file", "verify-pc1", NOW)


def test_everything_lies_in_it(judged: Path) -> None:
    assert {path.name for path in judged.iterdir()} == {
        "history.jsonl",
        "verdict.json",
        "report.md",
        "report.html",
    }


def test_the_verdict_names_the_history_it_was_computed_from(judged: Path) -> None:
    verdict = json.loads((judged / "verdict.json").read_text())
    assert verdict["verdict"] == "PASS"
    assert verdict["exit_code"] == 0
    assert len(verdict["history_sha256"]) == 64
    assert verdict["findings"][0]["check"] == "run-complete"


def test_analyze_confirms_the_verdict(judged: Path) -> None:
    analysis = analyze(judged)
    assert analysis.confirmed
    assert analysis.outcome.judgement == evidence.recorded(judged)
    assert analysis.lines()[-1].startswith("verify-pc3: PASS: 2 images")


def test_analyze_needs_nothing_but_history_and_verdict(folder: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "report.md").unlink()
    assert analyze(folder).confirmed


def test_analyze_refuses_a_history_that_was_edited(folder: Path) -> None:
    path = folder / evidence.HISTORY
    path.write_text(path.read_text().replace('"bytes":60000', '"bytes":60001'))
    with pytest.raises(RefusedError, match="is not the history that was judged") as caught:
        analyze(folder)
    assert "SHA-256" in caught.value.details


def test_analyze_refuses_a_history_that_was_cut_off(folder: Path) -> None:
    path = folder / evidence.HISTORY
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RefusedError):
        analyze(folder)


def test_analyze_does_not_believe_the_verdict_on_file(folder: Path) -> None:
    path = folder / evidence.VERDICT
    forged = json.loads(path.read_text())
    forged["findings"][3]["verdict"] = "FAIL"
    forged["verdict"] = "FAIL"
    path.write_text(json.dumps(forged))
    analysis = analyze(folder)
    assert not analysis.confirmed
    assert analysis.outcome.verdict is Verdict.PASS
    told = "\n".join(analysis.lines())
    assert "On file: FAIL." in told
    assert "layers-from-local-store: FAIL on file, PASS now" in told


def test_a_forged_reason_is_no_confirmation_of_it(folder: Path) -> None:
    path = folder / evidence.VERDICT
    forged = json.loads(path.read_text())
    forged["verdict"] = "UNKNOWN"
    path.write_text(json.dumps(forged))
    assert not analyze(folder).confirmed


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("host", "host is another on file, and classic in the history"),
        ("tree", f"tree is another on file, and {'f' * 64} in the history"),
        ("policy_sha256", f"policy_sha256 is another on file, and {'e' * 64} in the history"),
        ("commit", "commit is another on file, and 0123456789abcdef0123456789abcdef01234567 in the history"),
    ],
)
def test_a_verdict_of_another_host_or_code_is_not_confirmed(folder: Path, field: str, told: str) -> None:
    path = folder / evidence.VERDICT
    forged = json.loads(path.read_text())
    path.write_text(json.dumps({**forged, field: "another"}))
    analysis = analyze(folder)
    assert not analysis.confirmed
    assert analysis.lines()[1] == f"  {told}"


def test_what_an_older_verdict_does_not_say_is_no_lie(folder: Path) -> None:
    path = folder / evidence.VERDICT
    older = json.loads(path.read_text())
    del older["project"], older["label"]
    path.write_text(json.dumps(older))
    assert analyze(folder).confirmed


@pytest.mark.parametrize("name", [evidence.HISTORY, evidence.VERDICT])
def test_a_folder_without_its_files_is_no_run(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(NotFoundError, match="There is no"):
        analyze(folder)


def test_a_run_that_was_killed_is_not_judged(folder: Path) -> None:
    (folder / evidence.VERDICT).unlink()
    with pytest.raises(NotFoundError) as caught:
        analyze(folder)
    assert "was killed, or is still under way" in caught.value.resolution
    (folder / evidence.HISTORY).unlink()
    with pytest.raises(NotFoundError) as caught:
        analyze(folder)
    assert "Name the folder of a run" in caught.value.resolution


def test_a_verdict_that_is_none_is_said(folder: Path) -> None:
    (folder / evidence.VERDICT).write_text("{}")
    with pytest.raises(CcciError, match="is no verdict"):
        analyze(folder)
