"""Sign-off: written where all of it can be shown now, refused with every reason at once, never taken back."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ccci_host import evidence, machine_docs
from ccci_host.errors import NotFoundError, RefusedError
from ccci_host.journal import line
from ccci_host.records import History, HostSeen, InterfaceSeen, RequestsSeen, Started
from ccci_host.review import pass_line
from ccci_host.sign_off import REQUIRED, Now, SignOff, sign_off
from tests.histories import NOON, changed, good, without

OURS = Path(__file__).resolve().parents[2] / "machine-docs"
NOW = Now(
    host="classic",
    instance="ci",
    project="default",
    tree="f" * 64,
    policy="e" * 64,
    agent="d" * 64,
    daemon="5f1c",
    at=NOON + timedelta(hours=1),
)
NAMES = {task: f"20260301T12000{number}Z-{task}" for number, task in enumerate(REQUIRED)}


@dataclass
class Docs:
    """`machine-docs/` with what a sign-off asks for, to be spoilt."""

    folder: Path

    @property
    def status(self) -> str:
        return (self.folder / machine_docs.STATUS).read_text()

    def keep(self, name: str, history: History) -> None:
        """A run's folder, judged."""
        run = self.folder / machine_docs.EVIDENCE_FOLDER / name
        run.mkdir(parents=True, exist_ok=True)
        text = "".join(line(entry) + "\n" for entry in history.entries)
        (run / evidence.HISTORY).write_text(text)
        evidence.conclude(run)

    def say(self, words: str) -> None:
        """The Adversary's word."""
        path = self.folder / machine_docs.REVIEW
        path.write_text(f"{path.read_text().rstrip()}\n{words}\n")

    def approve(self, name: str) -> None:
        """The Adversary's PASS of the run as it lies there."""
        self.say(
            pass_line(
                name, evidence.recorded(self.folder / machine_docs.EVIDENCE_FOLDER / name).history_sha256
            )
        )

    def sign_off(self, *, check: bool = False, **changes: Any) -> SignOff:
        return sign_off(replace(NOW, **changes), self.folder, check=check)

    def refused(self, **changes: Any) -> str:
        """Why it is refused; nothing is written then."""
        before = self.status
        done = self.sign_off(**changes)
        assert (done.exit_code, done.signed, self.status) == (1, False, before)
        assert done.lines()[-1].startswith("Not signed off: ")
        return "\n".join(done.lines())


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The docs with a good run of each task, and a PASS for each; made once."""
    docs = Docs(tmp_path_factory.mktemp("docs"))
    for name in (machine_docs.STATUS, machine_docs.REVIEW):
        shutil.copy(OURS / name, docs.folder / name)
    for task, name in NAMES.items():
        docs.keep(name, good(task))
        docs.approve(name)
    machine_docs.update(docs.folder)
    return docs.folder


@pytest.fixture
def docs(judged: Path, tmp_path: Path) -> Docs:
    return Docs(Path(shutil.copytree(judged, tmp_path / "machine-docs")))


def test_done_is_written_once_and_stays(docs: Docs) -> None:
    before = docs.status
    done = docs.sign_off()
    assert (done.exit_code, done.lines()) == (0, ("Signed off, and it holds.",))
    assert docs.status.startswith(before.rstrip())
    assert docs.status.count("## DONE") == 1
    assert all(name in docs.status.partition("## DONE")[2] for name in NAMES.values())
    after = docs.status
    docs.sign_off(at=NOON + timedelta(hours=2))
    assert docs.status == after, "the same sign-off is written once"
    machine_docs.update(docs.folder)
    assert docs.status == after


def test_a_sign_off_of_something_else_adds_a_line(docs: Docs) -> None:
    docs.sign_off()
    again = "20260301T130000Z-verify-pc3"
    docs.keep(again, good("verify-pc3"))
    docs.approve(again)
    docs.sign_off(at=NOON + timedelta(hours=2))
    assert docs.status.count("## DONE") == 1
    assert [again in last for last in docs.status.splitlines()[-2:]] == [False, True]


def test_a_check_writes_nothing(docs: Docs) -> None:
    before = docs.status
    done = docs.sign_off(check=True)
    assert (done.exit_code, done.holds, docs.status) == (1, True, before)
    assert "`invoke sign-off` would do it" in done.lines()[-1]


def test_what_no_longer_holds_is_reported_and_nothing_is_taken_away(docs: Docs) -> None:
    docs.sign_off()
    after = docs.status
    for check in (True, False):
        done = docs.sign_off(check=check, policy="a" * 64)
        assert (done.exit_code, done.signed, done.holds) == (1, True, False)
        assert done.lines()[-1] == "Signed off, and holds no longer: 4 reasons above."
    assert docs.status == after


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tree": "a" * 64}, "it was made by other code: tree ffffffffffff… then, aaaaaaaaaaaa… here now"),
        ({"tree": None}, "it was made by other code: tree ffffffffffff… then, none here now"),
        ({"policy": "a" * 64}, "the host runs another policy: aaaaaaaaaaaa… at /etc/ccci-prune/policy"),
        ({"policy": "none"}, "the host runs another policy: none at /etc/ccci-prune/policy.json"),
        ({"policy": "unreadable (denied)"}, "another policy: unreadable (denied) at"),
        ({"daemon": "77aa"}, "the host's dockerd is another, or lost its data: 77aa now, 5f1c then"),
        ({"daemon": ""}, "the host's dockerd is another, or lost its data: unknown now, 5f1c then"),
        ({"agent": "a" * 64}, "the host has another agent: aaaaaaaaaaaa…"),
        ({"at": NOON + timedelta(hours=25)}, "it is 25 hours old, and a day is the most"),
        ({"at": NOON - timedelta(hours=1)}, "which is yet to come by this machine's clock"),
    ],
)
def test_evidence_of_another_day_code_or_host_is_refused(
    docs: Docs, changes: dict[str, Any], reason: str
) -> None:
    said = docs.refused(**changes)
    assert reason in said
    assert all(f"{name}:\n" in said for name in NAMES.values()), "every run's reason is told at once"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("policy_sha256", "the host runs another policy: eeeeeeeeeeee… at /etc/ccci-prune/policy.json, aaaa"),
        ("agent_sha256", "the host has another agent: dddddddddddd… at /usr/local/bin/ccci-prune, aaaa"),
        ("daemon", "the host's dockerd is another, or lost its data: 5f1c now, aaaa"),
    ],
)
def test_what_was_changed_amid_a_run_was_not_all_of_it(docs: Docs, field: str, reason: str) -> None:
    name = NAMES["verify-pc1"]
    docs.keep(name, changed(good("verify-pc1"), HostSeen, {field: "a" * 64}, moment="start"))
    docs.approve(name)
    said = docs.refused()
    assert said.startswith(f"{name}:\n  {reason}")
    assert said.endswith("Not signed off: 1 reason above.")


def test_a_day_is_not_too_old(docs: Docs) -> None:
    assert docs.sign_off(at=NOON + timedelta(hours=23, minutes=59)).exit_code == 0


@pytest.mark.parametrize("task", REQUIRED)
def test_each_task_has_to_have_a_run_on_this_host(docs: Docs, task: str) -> None:
    shutil.rmtree(docs.folder / "evidence" / NAMES[task])
    docs.keep(f"20260301T140000Z-{task}", changed(good(task), Started, {"host": "elsewhere"}))
    assert f"{task}:\n  there is no run of it on classic" in docs.refused()


@pytest.mark.parametrize("elsewhere", [{"instance": "other"}, {"project": "other"}, {"host": "other"}])
def test_another_host_of_that_name_is_another_host(docs: Docs, elsewhere: dict[str, str]) -> None:
    said = docs.refused(**elsewhere)
    assert said.count("there is no run of it on ") == len(REQUIRED)
    docs.keep("20260301T140000Z-verify-pc3", changed(good("verify-pc3"), Started, elsewhere))
    assert docs.sign_off().exit_code == 0, "and its later run is no later run of this one"


def test_a_sign_off_of_another_host_is_none_of_this_one(docs: Docs) -> None:
    docs.sign_off()
    before = docs.status
    never = docs.sign_off(check=True, host="other")
    assert (never.exit_code, never.signed) == (1, False)
    assert never.lines()[-1] == "Not signed off: 4 reasons above."
    for task in REQUIRED:
        name = f"20260301T140000Z-{task}"
        docs.keep(name, changed(good(task), Started, {"host": "other"}))
        docs.approve(name)
    done = docs.sign_off(check=True, host="other")
    assert (done.exit_code, done.signed, done.holds, docs.status) == (1, False, True, before)
    assert docs.sign_off(host="other").exit_code == 0
    assert docs.status.count("## DONE") == 1
    assert [docs.sign_off(check=True, host=host).exit_code for host in ("classic", "other")] == [0, 0]


@pytest.mark.parametrize(("field", "ours"), [("instance", NOW.instance), ("project", NOW.project)])
def test_a_verdict_that_claims_another_host_is_not_believed(docs: Docs, field: str, ours: str) -> None:
    name = NAMES["verify-pc1"]
    docs.keep(name, changed(good("verify-pc1"), Started, {field: "other"}))
    path = docs.folder / "evidence" / name / evidence.VERDICT
    path.write_text(path.read_text().replace('"other"', f'"{ours}"'))
    said = docs.refused()
    assert said.startswith(
        f"{name}:\n  `invoke analyze` does not confirm it: PASS on file, PASS now; {field} is "
    )
    assert "\n  its history is of verify-pc1 on classic (instance " in said


def test_a_verdict_of_before_the_project_was_kept_is_found_by_its_history(docs: Docs) -> None:
    path = docs.folder / "evidence" / NAMES["verify-pc1"] / evidence.VERDICT
    old = json.loads(path.read_text())
    del old["project"]
    path.write_text(json.dumps(old))
    assert docs.sign_off().exit_code == 0


def edit_history(run: Path) -> None:
    path = run / evidence.HISTORY
    path.write_text(path.read_text().replace("2026-03-01", "2026-03-02"))


def test_a_history_that_was_edited_is_refused(docs: Docs) -> None:
    edit_history(docs.folder / "evidence" / NAMES["verify-pc2"])
    said = docs.refused()
    assert f"{NAMES['verify-pc2']}:\n  its verdict cannot be computed again" in said
    assert "is not the history that was judged" in said


@pytest.mark.parametrize("at", ["yesterday", "2026-03-01T12:00:01"])
def test_a_history_whose_times_are_none_is_refused(docs: Docs, at: str) -> None:
    name = NAMES["verify-pc2"]
    run = docs.folder / "evidence" / name
    history, verdict = run / evidence.HISTORY, run / evidence.VERDICT
    sha256 = evidence.recorded(run).history_sha256
    history.write_text(history.read_text().replace("2026-03-01T12:00:01.000000+00:00", at))
    edited = hashlib.sha256(history.read_bytes()).hexdigest()
    verdict.write_text(verdict.read_text().replace(sha256, edited))
    assert f"{name}:\n  `invoke analyze` does not confirm it: PASS on file, " in docs.refused()


def test_evidence_that_analyze_does_not_confirm_is_refused(docs: Docs) -> None:
    name = NAMES["verify-pc3"]
    quiet = without(without(good("verify-pc3"), RequestsSeen), InterfaceSeen)
    docs.keep(name, quiet)
    run = docs.folder / "evidence" / name
    (run / evidence.VERDICT).write_text((run / evidence.VERDICT).read_text().replace('"UNKNOWN"', '"PASS"'))
    assert f"{name}:\n  `invoke analyze` does not confirm it: PASS on file, UNKNOWN now" in docs.refused()


def test_a_verdict_that_claims_another_tree_is_not_believed(docs: Docs) -> None:
    name = NAMES["verify-pc1"]
    docs.keep(name, changed(good("verify-pc1"), Started, {"tree": "a" * 64}))
    path = docs.folder / "evidence" / name / evidence.VERDICT
    path.write_text(path.read_text().replace("a" * 64, NOW.tree or ""))
    said = docs.refused()
    assert said.startswith(
        f"{name}:\n  `invoke analyze` does not confirm it: PASS on file, PASS now; tree is "
    )
    assert "\n  it was made by other code" in said


def test_what_a_verdict_claims_moves_no_cursor(docs: Docs) -> None:
    name = NAMES["verify-pc1"]
    path = docs.folder / "evidence" / name / evidence.VERDICT
    path.write_text(path.read_text().replace(NOW.tree or "", "\\u001b[2K"))
    said = docs.refused()
    assert "; tree is \\x1b[2K on file" in said
    assert "\x1b" not in said


def test_the_last_run_counts_and_not_the_last_that_passed(docs: Docs) -> None:
    later = "20260301T140000Z-verify-pc3"
    docs.keep(later, without(without(good("verify-pc3"), RequestsSeen), InterfaceSeen))
    docs.approve(later)
    assert f"{later}:\n  it ended as UNKNOWN" in docs.refused()


LATER = "20260301T140000Z-verify-pc3"


def killed(folder: Path) -> None:
    """As a run leaves its folder that was killed."""
    (folder / evidence.VERDICT).unlink()
    history = folder / evidence.HISTORY
    history.write_bytes(history.read_bytes()[:-2000])


def killed_at_once(folder: Path) -> None:
    """As it is before anything is written."""
    shutil.rmtree(folder)
    folder.mkdir()


def half_a_verdict(folder: Path) -> None:
    (folder / evidence.VERDICT).write_text("{")


@pytest.mark.parametrize("spoil", [killed, killed_at_once, half_a_verdict])
def test_a_later_run_without_a_verdict_stands_against_it(docs: Docs, spoil: Callable[[Path], None]) -> None:
    docs.keep(LATER, good("verify-pc3"))
    spoil(docs.folder / "evidence" / LATER)
    said = docs.refused()
    assert said.startswith(f"{LATER}:\n  it has no verdict that can be read, and no later run")
    assert "nothing will judge it: run `invoke verify-pc3 --host classic` again" in said
    again = "20260301T150000Z-verify-pc3"
    docs.keep(again, good("verify-pc3"))
    docs.approve(again)
    assert docs.sign_off(at=NOON + timedelta(hours=4)).exit_code == 0, "until there is a later one that has"


@pytest.mark.parametrize("elsewhere", [{"host": "other"}, {"project": "other"}, {"task": "verify"}])
def test_a_killed_run_of_another_host_or_task_is_no_matter(docs: Docs, elsewhere: dict[str, str]) -> None:
    docs.keep(LATER, changed(good("verify-pc3"), Started, elsewhere))
    killed(docs.folder / "evidence" / LATER)
    assert docs.sign_off().exit_code == 0


def test_a_folder_that_is_no_runs_is_no_matter(docs: Docs) -> None:
    (docs.folder / "evidence" / "notes").mkdir()
    (docs.folder / "evidence" / f"{LATER}.tar").write_text("")
    assert docs.sign_off().exit_code == 0


def test_a_host_that_was_never_looked_at_is_refused(docs: Docs) -> None:
    name = NAMES["verify-pc2"]
    docs.keep(name, without(good("verify-pc2"), HostSeen))
    said = docs.refused()
    objections = said.partition(f"{name}:\n")[2].partition(":\n")[0]
    assert "  the host runs another policy" in objections
    assert "none then" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("{name}: FAIL", "no plain PASS of it: '{name}: FAIL'"),
        ("{name}: PASS withheld", "no plain PASS of it"),
        ("{name}: PASS", "PASS does not name its history by SHA-256: '{name}: PASS'"),
        (f"{{name}}: PASS {'9' * 64}", "PASS does not name its history by SHA-256"),
    ],
)
def test_the_adversarys_last_word_has_to_be_a_pass(docs: Docs, words: str, reason: str) -> None:
    name = NAMES["reboot-and-redeploy"]
    docs.say(words.format(name=name))
    said = docs.refused()
    assert reason.format(name=name) in said
    sha256 = evidence.recorded(docs.folder / "evidence" / name).history_sha256
    assert f"The Adversary writes `{name}: PASS {sha256}` in REVIEW-2pc.md" in said
    docs.approve(name)
    assert docs.sign_off().exit_code == 0


def test_a_pass_is_of_the_history_and_not_of_the_folders_name(docs: Docs) -> None:
    name = NAMES["verify-pc3"]
    docs.keep(name, changed(good("verify-pc3"), Started, {"argv": ("another", "run")}))
    assert f"{name}:\n  the Adversary's PASS does not name its history" in docs.refused()


def test_a_pass_of_an_earlier_run_is_none_of_a_later(docs: Docs) -> None:
    later = "20260301T140000Z-verify-pc3"
    docs.keep(later, good("verify-pc3"))
    said = docs.refused()
    assert f"{later}:\n  REVIEW-2pc.md has no word of the Adversary's on it" in said
    assert f"writes `{later}: PASS " in said


def test_the_generated_table_of_runs_is_no_word(docs: Docs) -> None:
    path = docs.folder / machine_docs.REVIEW
    path.write_text(path.read_text().partition("## Reviews")[0])
    assert docs.refused().count("has no word of the Adversary's on it") == len(REQUIRED)


def _prose(text: str) -> str:
    return f"{text}\nWrite ## DONE when all is done.\n"


def _twice(text: str) -> str:
    return f"{text}\n## DONE\n\n## DONE\n"


def _deeper(text: str) -> str:
    return f"{text}\n### DONE\n"


@pytest.mark.parametrize("spoil", [_prose, _twice, _deeper])
def test_the_string_in_another_place_is_an_error(docs: Docs, spoil: Callable[[str], str]) -> None:
    path = docs.folder / machine_docs.STATUS
    path.write_text(spoil(docs.status))
    before = docs.status
    with pytest.raises(RefusedError, match="where no sign-off put it"):
        docs.sign_off()
    assert docs.status == before


def test_no_evidence_brings_the_string_into_the_status(docs: Docs) -> None:
    docs.keep("20260301T150000Z-verify-pc1", changed(good("verify-pc1"), Started, {"label": "\n## DONE\n"}))
    machine_docs.update(docs.folder)
    assert "## DONE" not in docs.status


@pytest.mark.parametrize("name", [machine_docs.STATUS, machine_docs.REVIEW])
def test_a_file_that_is_not_there(docs: Docs, name: str) -> None:
    (docs.folder / name).unlink()
    with pytest.raises(NotFoundError, match=f"There is no {name}"):
        docs.sign_off()


def test_what_json_says(docs: Docs) -> None:
    docs.say(f"{NAMES['verify-pc1']}: FAIL")
    value = docs.sign_off().value
    assert (value["signed"], value["holds"], value["runs"]) == (False, False, list(NAMES.values()))
    missing = value["missing"]
    assert isinstance(missing, list)
    assert [sorted(one) for one in missing] == [["about", "reason", "todo"]]
