"""PC1: what protects images, as it was found on the host."""

from typing import Any

import pytest

from ccci_host.records import (
    AgentSeen,
    Cleanup,
    FileSeen,
    History,
    LeaseSeen,
    PlanSeen,
    Pruner,
    PrunersSeen,
    StrangersSeen,
    SweepSeen,
    TornDown,
    UnitSeen,
)
from ccci_host.verdict import Verdict
from tests.histories import DB, changed, digest, good, without
from tests.unit.checks.cases import finding

TASK = "verify-pc1"
CRON = Pruner(
    name="docker image prune",
    where="/etc/cron.d/prune",
    command="docker image prune -af",
    active=True,
    remedy="Drop it.",
)


def judged(name: str, kind: Any, change: Any, **where: Any) -> tuple[Verdict | None, str]:
    found = finding(name, changed(good(TASK), kind, change, **where))
    return found.verdict, found.reason


def test_an_active_pruner_fails_and_is_named_with_its_remedy() -> None:
    found = finding("no-competing-pruner", changed(good(TASK), PrunersSeen, {"pruners": (CRON,)}))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Also prunes images on this host: docker image prune."
    assert found.details == ("/etc/cron.d/prune: docker image prune -af",)
    assert found.todo == "Drop it."


def test_a_pruner_that_is_not_active_is_told_and_passes() -> None:
    idle = CRON.model_copy(update={"active": False})
    found = finding("no-competing-pruner", changed(good(TASK), PrunersSeen, {"pruners": (idle,)}))
    assert found.verdict is Verdict.PASS
    assert "/etc/cron.d/prune" in found.details[0]


def test_an_audit_that_failed_is_unknown() -> None:
    verdict, reason = judged("no-competing-pruner", PrunersSeen, {"problem": "cannot list units"})
    assert verdict is Verdict.UNKNOWN
    assert "cannot list units" in reason


@pytest.mark.parametrize(
    ("state", "verdict"),
    [("altered", Verdict.FAIL), ("absent", Verdict.FAIL), ("unreadable", Verdict.UNKNOWN)],
)
def test_a_file_that_is_not_as_built(state: Any, verdict: Verdict) -> None:
    def spoil(seen: AgentSeen) -> AgentSeen:
        spoilt = FileSeen(path="/usr/local/bin/ccci-prune", state=state, detail="differs")
        return seen.model_copy(update={"files": (spoilt, *seen.files[1:])})

    told, reason = judged("agent-as-built", AgentSeen, spoil)
    assert told is verdict
    assert "/usr/local/bin/ccci-prune" in reason


def test_no_files_at_all_is_unknown() -> None:
    assert judged("agent-as-built", AgentSeen, {"files": ()})[0] is Verdict.UNKNOWN
    assert judged("agent-as-built", AgentSeen, {"problem": "no answer"})[0] is Verdict.UNKNOWN


@pytest.mark.parametrize("position", [1, 2])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"active": "inactive"}, "is inactive"),
        ({"active": "failed"}, "is failed"),
        ({"enabled": "disabled"}, "is not enabled at boot (disabled)"),
        ({"load": "masked", "active": "inactive"}, "is masked"),
        ({"load": "not-found", "active": "inactive", "enabled": ""}, "is not-found"),
    ],
)
def test_a_unit_that_does_not_run(position: int, change: dict[str, str], told: str) -> None:
    def spoil(seen: AgentSeen) -> AgentSeen:
        units = list(seen.units)
        units[position] = units[position].model_copy(update=change)
        return seen.model_copy(update={"units": tuple(units)})

    verdict, reason = judged("timer-armed", AgentSeen, spoil)
    assert verdict is Verdict.FAIL
    assert told in reason
    assert good(TASK).of(AgentSeen)[0].units[position].name in reason


def test_the_oneshot_that_the_timer_starts_may_rest_but_not_be_masked() -> None:
    masked = UnitSeen(name="ccci-prune.service", load="masked", active="inactive", enabled="masked")

    def spoil(seen: AgentSeen) -> AgentSeen:
        return seen.model_copy(update={"units": (masked, *seen.units[1:])})

    assert judged("timer-armed", AgentSeen, spoil) == (
        Verdict.FAIL,
        "The agent does not run by itself: ccci-prune.service is masked.",
    )


def test_units_that_nobody_saw_are_unknown() -> None:
    assert judged("timer-armed", AgentSeen, {"units": ()})[0] is Verdict.UNKNOWN
    assert judged("timer-armed", AgentSeen, {"problem": "no bus"})[0] is Verdict.UNKNOWN


LEASE = "lease-holds-back-the-sweep"


def test_a_sweep_during_the_lease_that_removes_something_fails() -> None:
    verdict, reason = judged(LEASE, SweepSeen, {"removed": (DB,)}, under="lease")
    assert verdict is Verdict.FAIL
    assert DB in reason


def test_a_sweep_that_another_gate_held_back_shows_nothing_about_the_lease() -> None:
    verdict, reason = judged(LEASE, SweepSeen, {"gates": {"no-pressure": {"reason": "…"}}}, under="lease")
    assert verdict is Verdict.UNKNOWN
    assert "no-pressure" in reason


def test_a_sweep_that_could_not_be_started_is_unknown() -> None:
    assert judged(LEASE, SweepSeen, {"problem": "no agent", "gates": {}}, under="lease")[0] is Verdict.UNKNOWN
    assert finding(LEASE, without(good(TASK), SweepSeen, under="lease")).verdict is Verdict.UNKNOWN


def test_a_lease_that_was_lost_shows_nothing() -> None:
    assert judged(LEASE, LeaseSeen, {"step": "lost"}, step="taken")[0] is Verdict.UNKNOWN


PLAN = "plan-is-conservative"


def test_a_plan_that_would_delete_the_recipes_image_fails() -> None:
    victim = {"id": "sha256:x", "refs": [DB.replace(":2.0", "")], "class": "idle", "reason": "idle: 30 d"}
    verdict, reason = judged(PLAN, PlanSeen, {"victims": (victim,)})
    assert verdict is Verdict.FAIL
    assert reason == "Under pressure the agent would delete what it must keep: ccci/db:2.0 (idle: 30 d)."


def test_a_plan_that_would_delete_a_held_image_fails() -> None:
    victim = {"id": digest("9"), "refs": ["wiki:1"], "class": "held", "reason": "container"}
    verdict, reason = judged(PLAN, PlanSeen, {"victims": (victim,)})
    assert verdict is Verdict.FAIL
    assert "wiki:1 (container)" in reason


def test_a_plan_behind_a_closed_gate_shows_nothing() -> None:
    verdict, reason = judged(PLAN, PlanSeen, {"gates": {"lease": {"reason": "held"}}})
    assert verdict is Verdict.UNKNOWN
    assert "lease" in reason


def test_a_plan_that_does_not_tell_of_the_recipe_shows_nothing() -> None:
    verdict, reason = judged(PLAN, PlanSeen, {"kept": ()})
    assert verdict is Verdict.UNKNOWN
    assert "ccci/app:1.0 and ccci/db:2.0" in reason


@pytest.mark.parametrize(
    "change", [{"problem": "agent broke"}, {"unreadable": ("images",)}, {"simulated_percent": None}]
)
def test_a_plan_that_is_none_is_unknown(change: dict[str, Any]) -> None:
    assert judged(PLAN, PlanSeen, change)[0] is Verdict.UNKNOWN


DISK = "disk-stays-bounded"


def test_a_tick_that_ends_above_the_watermark_fails() -> None:
    verdict, reason = judged(DISK, SweepSeen, {"exit_code": 1, "output": "still at 91 %"}, under="nothing")
    assert verdict is Verdict.FAIL
    assert "exit code 1" in reason


def test_a_tick_that_nobody_saw_is_unknown() -> None:
    assert judged(DISK, SweepSeen, {"exit_code": None}, under="nothing")[0] is Verdict.UNKNOWN
    assert judged(DISK, SweepSeen, {"problem": "no agent"}, under="nothing")[0] is Verdict.UNKNOWN
    assert finding(DISK, without(good(TASK), SweepSeen, under="nothing")).verdict is Verdict.UNKNOWN


TEARDOWN = "teardown-is-clean"


def removal(**changes: Any) -> Any:
    return lambda torn: torn.model_copy(update={"removal": torn.removal.model_copy(update=changes)})


def test_what_a_teardown_left_fails() -> None:
    verdict, reason = judged(TEARDOWN, TornDown, removal(left=(("secret", "ccci_pw", "in use"),)))
    assert verdict is Verdict.FAIL
    assert reason == "Left behind: secret ccci_pw."


def test_a_teardown_that_removes_an_image_fails() -> None:
    verdict, reason = judged(TEARDOWN, TornDown, removal(removed=(("service", "a"), ("image", DB))))
    assert verdict is Verdict.FAIL
    assert reason == f"The teardown removed images: {DB}."


def test_what_the_cleanup_could_not_remove_fails() -> None:
    assert judged(TEARDOWN, Cleanup, {"left": (("stack", "s", "daemon down"),)})[0] is Verdict.FAIL


def test_a_teardown_of_nothing_shows_nothing() -> None:
    assert judged(TEARDOWN, TornDown, removal(removed=()))[0] is Verdict.UNKNOWN
    assert judged(TEARDOWN, Cleanup, {"problem": "could not look"})[0] is Verdict.UNKNOWN


STRANGERS = "strangers-untouched"


def later(**changes: Any) -> Any:
    return lambda seen: seen.model_copy(update=changes)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"containers": ()}, "container wiki_app.1 is gone"),
        ({"volumes": ()}, "volume wiki_data is gone"),
        ({"services": ()}, "service wiki_app is gone"),
        ({"services": (("wiki_app", 18),)}, "service wiki_app was updated"),
    ],
)
def test_a_stranger_that_was_disturbed(change: dict[str, Any], told: str) -> None:
    verdict, reason = judged(STRANGERS, StrangersSeen, later(**change), moment="end")
    assert verdict is Verdict.FAIL
    assert told in reason


def test_a_strangers_restart_is_seen() -> None:
    def restarted(seen: StrangersSeen) -> StrangersSeen:
        return seen.model_copy(
            update={"containers": (seen.containers[0].model_copy(update={"restarts": 1}),)}
        )

    verdict, reason = judged(STRANGERS, StrangersSeen, restarted, moment="end")
    assert verdict is Verdict.FAIL
    assert "container wiki_app.1 was restarted" in reason


def test_after_a_reboot_containers_are_new_and_volumes_are_not() -> None:
    def rebooted(history: History, **changes: Any) -> Verdict | None:
        return finding(STRANGERS, changed(history, StrangersSeen, later(**changes), moment="end")).verdict

    history = good("reboot-and-redeploy")
    assert rebooted(history, containers=()) is Verdict.PASS
    assert rebooted(history, volumes=()) is Verdict.FAIL


def test_strangers_that_nobody_saw_are_unknown() -> None:
    assert judged(STRANGERS, StrangersSeen, {"problem": "daemon down"}, moment="end")[0] is Verdict.UNKNOWN
    assert finding(STRANGERS, without(good(TASK), StrangersSeen, moment="end")).verdict is Verdict.UNKNOWN
