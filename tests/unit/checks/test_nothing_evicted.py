"""Nothing disappears during a run, but for what its own controls remove."""

from ccci_host.records import EvictionControl, StoreSeen
from ccci_host.verdict import Verdict
from tests.histories import APP, DB, changed, good, store, without
from tests.unit.checks.cases import finding

NAME = "nothing-evicted"


def test_names_what_disappeared_and_when() -> None:
    history = changed(
        good("verify-pc3"), StoreSeen, lambda _: store("torn-down", without=(DB,)), moment="torn-down"
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Between the deploy and the teardown the host lost ccci/db:2.0."


def test_an_image_that_was_pulled_anew_was_missing_in_between() -> None:
    history = changed(
        good("reboot-and-redeploy"), StoreSeen, lambda _: store("redeployed", fresh=9), moment="redeployed"
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Between the reboot and the redeploy the host lost ccci/app:1.0 and ccci/db:2.0."


def test_the_controls_own_eviction_is_expected_only_in_the_control() -> None:
    early = changed(
        good("verify-pc3"), StoreSeen, lambda _: store("redeployed", without=(DB,)), moment="redeployed"
    )
    assert finding(NAME, early).verdict is Verdict.FAIL


def test_a_control_that_did_not_run_explains_nothing() -> None:
    history = changed(good("verify-pc3"), EvictionControl, {"ran": False})
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert "the eviction the host lost ccci/db:2.0" in found.reason


def test_another_image_lost_with_the_eviction_is_lost() -> None:
    history = changed(
        good("verify-pc3"), StoreSeen, lambda _: store("evicted", 0, without=(APP, DB)), moment="evicted"
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Between the last teardown and the eviction the host lost ccci/app:1.0."


def test_a_look_that_failed_is_unknown() -> None:
    gone = {"images": (), "layers": (), "problem": "daemon down"}
    found = finding(NAME, changed(good("verify-pc3"), StoreSeen, gone, moment="torn-down"))
    assert found.verdict is Verdict.UNKNOWN
    assert "1 look at the image store failed" in found.reason


def test_one_look_is_not_enough() -> None:
    history = good("verify-pc1")
    for moment in ("start", "torn-down"):
        history = without(history, StoreSeen, moment=moment)
    assert finding(NAME, history).verdict is Verdict.UNKNOWN
