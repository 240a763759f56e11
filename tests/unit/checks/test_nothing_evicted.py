"""Nothing disappears during a run, but for what its own controls remove."""

from typing import Any

import pytest

from ccci_host.records import Event, EvictionControl, History, PlanSeen, StoreSeen, SweepSeen
from ccci_host.verdict import Verdict
from tests.histories import APP, DB, IDS, changed, digest, good, of_events, store, without
from tests.unit.checks.cases import finding
from tests.unit.checks.spoilt import strange

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
    history = changed(
        good("verify-pc3"),
        EvictionControl,
        lambda _: EvictionControl(ran=False, problem="no canary is named"),
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert "the eviction the host lost ccci/db:2.0" in found.reason


def test_a_control_that_failed_amid_its_removals_explains_them() -> None:
    history = changed(
        good("verify-pc3"), EvictionControl, {"ran": False, "problem": "it was not removed whole"}
    )
    assert finding(NAME, history).verdict is Verdict.PASS


def test_the_controls_image_may_not_be_lost_once_more_after_its_redeploy() -> None:
    events = [entry.event for entry in good("verify-pc3").entries]
    found = finding(NAME, of_events((*events, store("end", 0, without=(DB,)))))
    assert found.verdict is Verdict.FAIL
    assert found.reason == ("Between the redeploy after the eviction and the end the host lost ccci/db:2.0.")


@pytest.mark.parametrize("removed_ids", [(), (IDS[DB],)], ids=["by its own id", "by what was removed"])
def test_where_no_look_followed_the_eviction_at_once_the_next_one_shows_it(
    removed_ids: tuple[str, ...],
) -> None:
    """The control ended amid its removals, or that look failed."""
    history = changed(good("verify-pc3"), EvictionControl, {"ran": False, "removed_ids": removed_ids})
    for moment in ("evicted", "control-redeployed"):
        history = without(history, StoreSeen, moment=moment)
    events = [entry.event for entry in history.entries]
    found = finding(NAME, of_events((*events, store("end", 0, without=(DB,)))))
    assert found.verdict is Verdict.PASS


def test_what_a_tick_and_a_control_removed_adds_up() -> None:
    tick = SweepSeen(moment="end", under="nothing", removed=(APP,), image_ids=(IDS[APP],))
    events: list[Event] = []
    for entry in good("verify-pc3").entries:
        if isinstance(entry.event, EvictionControl):
            events += [PlanSeen(moment="end", victims=({"id": IDS[APP]},)), tick]
        events.append(entry.event)
    history = changed(
        of_events(tuple(events)),
        StoreSeen,
        lambda _: store("evicted", 0, without=(APP, DB)),
        moment="evicted",
    )
    assert finding(NAME, history).verdict is Verdict.PASS


def test_the_image_of_a_control_whose_redeploy_failed_stays_away() -> None:
    history = without(good("verify-pc3"), StoreSeen, moment="control-redeployed")
    events = [entry.event for entry in history.entries]
    found = finding(NAME, of_events((*events, store("end", 0, without=(DB,)))))
    assert found.verdict is Verdict.PASS


def test_another_image_lost_with_the_eviction_is_lost() -> None:
    history = changed(
        good("verify-pc3"), StoreSeen, lambda _: store("evicted", 0, without=(APP, DB)), moment="evicted"
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Between the last teardown and the eviction the host lost ccci/app:1.0."


EARLIER = digest("8")
"""The image that `strange` adds."""


@pytest.mark.parametrize(("along", "verdict"), [((EARLIER,), Verdict.PASS), ((), Verdict.FAIL)])
def test_an_earlier_build_that_the_control_took_along_is_expected(
    along: tuple[str, ...], verdict: Verdict
) -> None:
    """It had no name, so that nothing but its id tells of it."""
    history = changed(good("verify-pc3"), EvictionControl, {"removed_ids": (IDS[DB], *along)})
    for moment in ("start", "deployed", "torn-down", "redeployed", "finally-torn-down"):
        history = changed(history, StoreSeen, strange(), moment=moment)
    assert finding(NAME, history).verdict is verdict


def swept(sweep: dict[str, Any], plan: dict[str, Any], *, late: bool = False) -> History:
    """The agent's last tick took the db, by the store's last look, which may be from before that tick."""
    history = without(good("verify-pc1"), StoreSeen, moment="end")
    history = changed(history, SweepSeen, sweep, moment="end")
    history = changed(history, PlanSeen, plan)
    look = (store("end", 0, without=(DB,)),)
    return around_the_tick(history, before=look) if late else around_the_tick(history, after=look)


def around_the_tick(
    history: History, *, before: tuple[Event, ...] = (), after: tuple[Event, ...] = ()
) -> History:
    """`history` with more around the agent's last tick."""
    events = [entry.event for entry in history.entries]
    [place] = [
        number for number, one in enumerate(events) if isinstance(one, SweepSeen) and one.moment == "end"
    ]
    return of_events((*events[:place], *before, events[place], *after, *events[place + 1 :]))


TOOK = {"removed": (DB,), "image_ids": (IDS[DB],)}
PLANNED = {
    "simulated_percent": None,
    "victims": ({"id": IDS[DB], "refs": [DB], "class": "orphaned", "reason": "orphaned"},),
}


def test_what_the_agents_own_tick_removed_by_its_plan_was_not_evicted_by_the_run() -> None:
    found = finding(NAME, swept(TOOK, PLANNED))
    assert found.verdict is Verdict.PASS
    assert found.reason == (
        f"No image disappeared over 4 looks at the store, but what the agent's own tick let go: {DB}."
    )


def test_ticks_between_two_looks_add_up_and_so_do_plans() -> None:
    other_plan = PlanSeen(moment="end", victims=({"id": IDS[APP]},))
    other_tick = SweepSeen(moment="torn-down", under="nothing", removed=(APP,), image_ids=(IDS[APP],))
    history = changed(swept(TOOK, PLANNED), StoreSeen, {"images": (), "layers": ()}, moment="end")
    found = finding(NAME, around_the_tick(history, before=(other_plan, other_tick)))
    assert found.verdict is Verdict.PASS
    assert found.reason.endswith(f"but what the agent's own tick let go: {APP} and {DB}.")


def test_what_a_tick_removed_before_the_first_look_may_not_disappear_again() -> None:
    tick = SweepSeen(moment="start", under="nothing", **TOOK)
    history = changed(
        good("verify-pc3"), StoreSeen, lambda _: store("torn-down", without=(DB,)), moment="torn-down"
    )
    found = finding(
        NAME,
        of_events((PlanSeen(moment="start", **PLANNED), tick, *(entry.event for entry in history.entries))),
    )
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Between the deploy and the teardown the host lost ccci/db:2.0."


@pytest.mark.parametrize(
    ("sweep", "plan", "late"),
    [
        ({}, PLANNED, False),
        (TOOK, {}, False),
        (TOOK, PLANNED, True),
        ({**TOOK, "under": "lease"}, PLANNED, False),
        (TOOK, {**PLANNED, "simulated_percent": 99.0}, False),
        (TOOK, {**PLANNED, "gates": {"no-pressure": {"reason": "at 50 %: below 80 %"}}}, False),
    ],
    ids=[
        "the tick did not remove it",
        "no plan named it",
        "it was gone before",
        "a lease was held",
        "the pressure was pretended",
        "a gate was closed",
    ],
)
def test_what_the_agent_does_not_own_up_to_was_evicted(
    sweep: dict[str, Any], plan: dict[str, Any], late: bool
) -> None:
    found = finding(NAME, swept(sweep, plan, late=late))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Between the teardown and the end the host lost ccci/db:2.0."


def test_a_look_that_failed_is_unknown() -> None:
    gone = {"images": (), "layers": (), "problem": "daemon down"}
    found = finding(NAME, changed(good("verify-pc3"), StoreSeen, gone, moment="torn-down"))
    assert found.verdict is Verdict.UNKNOWN
    assert "1 look at the image store failed" in found.reason


def test_one_look_is_not_enough() -> None:
    history = good("verify-pc1")
    for moment in ("start", "torn-down", "end"):
        history = without(history, StoreSeen, moment=moment)
    assert finding(NAME, history).verdict is Verdict.UNKNOWN


def test_two_looks_are() -> None:
    history = good("verify-pc1")
    for moment in ("start", "torn-down"):
        history = without(history, StoreSeen, moment=moment)
    assert finding(NAME, history).reason == "No image disappeared over 2 looks at the store."


def test_what_the_last_tick_removed_has_to_be_looked_at() -> None:
    history = without(good("verify-pc1"), StoreSeen, moment="end")
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The image store was not looked at after the agent's own tick."
    held = changed(history, SweepSeen, {"under": "lease"}, moment="end")
    assert finding(NAME, held).verdict is Verdict.PASS
