"""The loops' files: generated parts from the evidence, everybody else's words untouched."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ccci_host import evidence, machine_docs, review
from ccci_host.checks import Judgement, judge
from ccci_host.generated import end, read_file, refresh
from ccci_host.records import PrunersSeen, Started
from tests.folders import is_held
from tests.histories import changed, good

OURS = Path(__file__).resolve().parents[2] / "machine-docs"
FILES = ("STATUS-2pc.md", "BACKLOG-2pc.md", "JOURNAL-2pc.md", "REVIEW-2pc.md", "IDEAS.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files as this checkout has them, without evidence."""
    for name in FILES:
        shutil.copy(OURS / name, tmp_path / name)
    machine_docs.update(tmp_path)  # the checkout's own may tell of runs
    return tmp_path


def keep(folder: Path, name: str, judgement: Judgement) -> None:
    run = folder / "evidence" / name
    run.mkdir(parents=True)
    (run / evidence.VERDICT).write_text(judgement.model_dump_json())


def failing() -> Judgement:
    from tests.unit.checks.test_prune_checks import CRON

    return judge(changed(good("verify-pc1"), PrunersSeen, {"pruners": (CRON,)}))


def test_the_status_holds_the_last_run_of_each_task(folder: Path) -> None:
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    keep(folder, "20260302T120000Z-verify-pc1", failing())
    machine_docs.update(folder)
    text = (folder / "STATUS-2pc.md").read_text()
    assert text.count("| verify-pc1 |") == 1
    assert "**FAIL** | Also prunes images on this host" in text
    assert "evidence/20260302T120000Z-verify-pc1/report.md" in text


def test_two_hosts_of_one_name_are_two(folder: Path) -> None:
    keep(folder, "20260301T120000Z-verify-pc1", judge(changed(good("verify-pc1"), Started, {"project": "a"})))
    keep(folder, "20260302T120000Z-verify-pc1", judge(changed(good("verify-pc1"), Started, {"project": "b"})))
    machine_docs.update(folder)
    text = (folder / "STATUS-2pc.md").read_text()
    assert text.count("| verify-pc1 |") == 2
    assert ["instance ci of a)" in text, "instance ci of b)" in text] == [True, True]


def test_the_backlog_asks_for_what_did_not_pass(folder: Path) -> None:
    keep(folder, "20260302T120000Z-verify-pc1", failing())
    machine_docs.update(folder)
    text = (folder / "BACKLOG-2pc.md").read_text()
    assert "- [ ] verify-pc1 on classic: FAIL `no-competing-pruner`: Also prunes" in text
    assert "Drop it." in text


def test_the_journal_has_every_run_the_newest_first(folder: Path) -> None:
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    keep(folder, "20260302T120000Z-verify-pc2", judge(good("verify-pc2")))
    machine_docs.update(folder)
    lines = [line for line in (folder / "JOURNAL-2pc.md").read_text().splitlines() if line.startswith("- ")]
    assert ["verify-pc2" in lines[0], "verify-pc1" in lines[1]] == [True, True]


def test_the_review_lists_the_hash_and_keeps_the_adversarys_words(folder: Path) -> None:
    path = folder / "REVIEW-2pc.md"
    words = "20260301T120000Z-verify-pc1: PASS, I tried.\n"
    path.write_text(path.read_text() + words)
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    machine_docs.update(folder)
    assert path.read_text().endswith(words)
    assert f"`{'c' * 64}`" in path.read_text()


def test_a_file_without_markers_is_left_as_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "REVIEW-2pc.md"
    path.write_text("All mine.\n")
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    changed_files = machine_docs.update(folder)
    assert path.read_text() == "All mine.\n"
    assert "REVIEW-2pc.md" not in changed_files
    assert "is left as it is" in capsys.readouterr().err.replace("\n", " ")


def test_a_label_is_nobodys_word_and_ends_no_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "20260301T120000Z-verify-pc1"
    label = f"lab\n{end('review')}\n{review.pass_line(name, 'c' * 64)}\n{end('status')}"
    keep(folder, name, judge(changed(good("verify-pc1"), Started, {"label": label})))
    machine_docs.update(folder)
    assert review.last_word((folder / "REVIEW-2pc.md").read_text().partition("## Reviews")[0], name) is None
    assert machine_docs.update(folder) == ()
    assert "left as it is" not in capsys.readouterr().err
    assert (folder / "STATUS-2pc.md").read_text().count("| verify-pc1 |") == 1


def test_a_second_update_changes_nothing(folder: Path) -> None:
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    assert set(machine_docs.update(folder)) == {"STATUS-2pc.md", "JOURNAL-2pc.md", "REVIEW-2pc.md"}
    assert machine_docs.update(folder) == ()


def test_the_runs_are_read_by_who_holds_the_folder_already(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = machine_docs.runs
    held: list[bool] = []

    def read(folder: Path) -> tuple[machine_docs.Run, ...]:
        held.append(is_held(folder))
        return runs(folder)

    monkeypatch.setattr(machine_docs, "runs", read)
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    assert machine_docs.update(folder)
    assert held == [True]
    assert not is_held(folder)


def test_a_sign_off_holds_the_folder_from_before_it_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []

    def read(path: Path) -> str:
        held.append(is_held(path.parent))
        return read_file(path)

    monkeypatch.setattr(machine_docs, "read_file", read)
    assert machine_docs.write_done(folder, "signature", "today")
    assert held == [True]


def test_a_sign_off_amid_the_ends_of_runs_is_never_lost(folder: Path) -> None:
    path = folder / "STATUS-2pc.md"
    before = path.read_text()
    times = range(60)

    def end_runs() -> None:
        for number in times:
            refresh(path, "status", f"row {number}")

    def sign() -> None:
        for number in times:
            machine_docs.write_done(folder, f"signature {number}.", "today")

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(end_runs), both.submit(sign)]:
            done.result()
    text = path.read_text()
    assert [number for number in times if f"- today: signature {number}.\n" not in text] == []
    assert (text.count("## DONE"), text.count("row ")) == (1, before.count("row ") + 1)
    assert text.startswith(before.partition("<!--")[0])


@pytest.mark.parametrize("name", ["STATUS-2pc.md", "REVIEW-2pc.md"])
def test_a_file_that_cannot_be_changed_is_named_and_holds_up_no_other(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    others = {"STATUS-2pc.md", "JOURNAL-2pc.md", "REVIEW-2pc.md"} - {name}
    assert set(machine_docs.update(folder)) == others
    said = capsys.readouterr().err
    assert f"{name} is left as it is." in said
    assert "Make it a file of UTF-8 text that may be read, and try again." in said


def test_files_that_are_not_there_are_not_made(tmp_path: Path) -> None:
    keep(tmp_path, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    assert machine_docs.update(tmp_path) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


def test_a_run_without_a_readable_verdict_is_left_out(folder: Path) -> None:
    keep(folder, "20260301T120000Z-verify-pc1", judge(good("verify-pc1")))
    broken = folder / "evidence" / "20260303T120000Z-verify-pc1"
    broken.mkdir()
    (broken / evidence.VERDICT).write_text("{")
    assert [name for name, _ in machine_docs.runs(folder)] == ["20260301T120000Z-verify-pc1"]


@pytest.mark.parametrize("name", FILES)
def test_the_line_of_the_sign_off_stands_nowhere(name: str) -> None:
    assert "## DONE" not in (OURS / name).read_text()


def test_the_deferred_cache_has_its_two_conditions() -> None:
    text = (OURS / "IDEAS.md").read_text()
    assert "several nodes" in text
    assert "storage survives a rebuild" in text
