"""What holds for every check, and the machinery around them."""

import pytest

from ccci_host.checks import Check, all_checks, checks_for, find_all, judge, registry
from ccci_host.checks.finding import Answer
from ccci_host.checks.registry import EVERY_TASK, check
from ccci_host.records import Finished, History, HostSeen, Started, TagControl
from ccci_host.verdict import Verdict
from tests.histories import changed, cut, good, without
from tests.unit.checks.cases import finding


@pytest.mark.parametrize("task", EVERY_TASK)
def test_the_good_history_passes_every_check_of_its_task(task: str) -> None:
    findings = find_all(good(task))
    assert findings
    assert [(item.check, item.reason) for item in findings if item.verdict is not Verdict.PASS] == []


@pytest.mark.parametrize("task", EVERY_TASK)
def test_a_passing_run_says_so_in_a_sentence(task: str) -> None:
    judgement = judge(good(task))
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason.endswith(".")
    assert judgement.todo == ""
    assert judgement.history_sha256 == "c" * 64


@pytest.mark.parametrize("item", all_checks(), ids=lambda item: item.name)
def test_an_empty_history_is_unknown_to_every_check(item: Check) -> None:
    found = item.find(History())
    assert found.verdict is Verdict.UNKNOWN
    assert "broke" not in found.reason
    assert found.todo


@pytest.mark.parametrize("task", EVERY_TASK)
def test_a_history_cut_off_anywhere_is_unknown(task: str) -> None:
    whole = good(task)
    for length in range(len(whole.entries)):
        judgement = judge(cut(whole, length))
        assert judgement.verdict is Verdict.UNKNOWN, f"after {length} records: {judgement.reason}"
        assert "broke" not in judgement.reason
        assert judgement.todo


@pytest.mark.parametrize("task", EVERY_TASK)
def test_no_check_breaks_on_a_cut_off_history(task: str) -> None:
    whole = good(task)
    for length in range(len(whole.entries)):
        for found in find_all(cut(whole, length)):
            assert "broke" not in found.reason, f"{found.check} after {length} records"


@pytest.mark.parametrize("item", all_checks(), ids=lambda item: item.name)
def test_every_check_decides_some_task(item: Check) -> None:
    assert item.tasks
    assert set(item.tasks) <= set(EVERY_TASK)
    assert item.witnesses
    assert item.judge.__doc__


def test_an_exception_inside_a_check_is_unknown() -> None:
    def judge_badly(history: History) -> Answer:
        raise KeyError("nothing here")

    item = Check("bad", "PC1", "…", ("nobody",), EVERY_TASK, 50, judge_badly)
    found = item.find(good("verify-pc1"))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The check bad broke: KeyError: 'nothing here'."
    assert found.todo == "Report this with the history; it is a fault of ccci-host, not of the host."


def test_a_module_has_one_check() -> None:
    def first(history: History) -> Answer:
        raise AssertionError("nobody asks it")

    def second(history: History) -> Answer:
        raise AssertionError("nobody asks it")

    decorate = check(pc="PC1", sentence="…", witnesses=("nobody",), tasks=("verify-pc1",), order=7)
    try:
        decorate(first)
        assert registry._checks["test-registry"] == Check(
            "test-registry",
            "PC1",
            "…",
            ("nobody",),
            ("verify-pc1",),
            7,
            first,
        )
        decorate(first)
        with pytest.raises(
            ValueError, match=r"^the module of check test-registry has two checks; one module,"
        ):
            decorate(second)
    finally:
        registry._checks.pop("test-registry")


def test_names_are_those_of_the_modules() -> None:
    names = [item.name for item in all_checks()]
    assert "layers-from-local-store" in names
    assert len(names) == len(set(names))


def test_checks_speak_in_their_order() -> None:
    said = [(item.order, item.name) for item in all_checks()]
    assert said == sorted(said)
    assert said[0] == (1, "run-complete")


def test_a_task_gets_its_own_checks_only() -> None:
    assert "reboot-happened" not in {item.name for item in checks_for("verify-pc3")}
    assert "reboot-happened" in {item.name for item in checks_for("reboot-and-redeploy")}


def test_a_history_of_no_known_task_is_put_to_every_check() -> None:
    history = changed(good("verify-pc2"), Started, {"task": "verify"})
    assert len(find_all(history)) == len(all_checks())


@pytest.mark.parametrize("task", EVERY_TASK)
def test_a_history_that_does_not_say_its_task_convicts_nobody(task: str) -> None:
    judgement = judge(without(good(task), Started))
    assert judgement.verdict is Verdict.UNKNOWN
    assert [item.check for item in judgement.findings] == [
        "run-complete",
        "lease-held",
        "teardown-is-clean",
        "strangers-untouched",
    ]


def test_of_several_failures_the_cause_speaks() -> None:
    from tests.unit.checks.test_images_retained import pruned

    judgement = judge(pruned("verify-pc3"))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "Lost with the teardown: ccci/app:1.0 and ccci/db:2.0."
    assert judgement.exit_code == 1


def test_what_was_not_shown_is_no_verdict() -> None:
    history = changed(good("verify-pc3"), Started, {"registry_push": False})
    judgement = judge(changed(history, TagControl, {"ran": False}))
    assert judgement.verdict is Verdict.PASS
    assert [found.check for found in judgement.not_shown] == ["moved-tag-pulled"]


def test_the_judgement_carries_where_it_comes_from() -> None:
    history = changed(good("reboot-and-redeploy"), Started, {"label": "the lab"})
    assert judge(history).model_dump(exclude={"findings"}) == {
        "format": 1,
        "task": "reboot-and-redeploy",
        "verdict": Verdict.PASS,
        "reason": "2 images went through a reboot and a redeploy without one layer being downloaded.",
        "todo": "",
        "exit_code": 0,
        "history_sha256": "c" * 64,
        "began": history.entries[0].at,
        "ended": history.entries[-1].at,
        "host": "classic",
        "instance": "ci",
        "project": "default",
        "label": "the lab",
        "disposable": True,
        "store": "classic",
        "recipe": "small",
        "recipe_version": "1.0.0+2.0",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "tree": "f" * 64,
        "policy_sha256": "e" * 64,
    }


def test_the_host_is_named_as_it_was_found_and_its_policy_as_it_was_left() -> None:
    left = {"store": None, "policy_sha256": "9" * 64}
    judgement = judge(changed(good("verify-pc3"), HostSeen, left, moment="end"))
    assert (judgement.store, judgement.policy_sha256) == ("classic", "9" * 64)


def test_the_judgement_of_an_empty_history_claims_nothing() -> None:
    assert judge(History()).model_dump(exclude={"findings"}) == {
        "format": 1,
        "task": "unknown",
        "verdict": Verdict.UNKNOWN,
        "reason": "The history does not begin with the start of a run.",
        "todo": "Run the task again.",
        "exit_code": 2,
        "history_sha256": "",
        "began": None,
        "ended": None,
        "host": "unknown",
        "instance": "unknown",
        "project": None,
        "label": None,
        "disposable": False,
        "store": None,
        "recipe": None,
        "recipe_version": None,
        "commit": None,
        "dirty": None,
        "tree": None,
        "policy_sha256": None,
    }


@pytest.mark.parametrize(
    ("task", "spoken"),
    [
        ("verify-pc1", ("no-competing-pruner", "lease-holds-back-the-sweep")),
        ("verify-pc2", ("pulls-authenticated", "credential-in-place")),
        ("verify-pc3", ("layers-from-local-store",)),
        ("reboot-and-redeploy", ("layers-from-local-store",)),
    ],
)
def test_a_passing_run_is_told_by_the_headlines_of_its_task(task: str, spoken: tuple[str, ...]) -> None:
    history = good(task)
    assert judge(history).reason == " ".join(finding(name, history).reason for name in spoken)


def test_a_passing_run_of_a_task_without_headlines_is_told_by_its_first_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = find_all(good("verify-pc3"))
    monkeypatch.setattr("ccci_host.checks.judgement.find_all", lambda history: found)
    assert judge(changed(good("verify-pc3"), Started, {"task": "audit"})).reason == found[0].reason


def test_without_its_last_record_a_run_was_cut_off() -> None:
    judgement = judge(without(good("verify-pc3"), Finished))
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reason == "The run was cut off before its end."
    assert judgement.exit_code == 2
