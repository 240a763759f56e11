"""PC1: what protects images, as it was found on the host."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ccci_host.agent import sweep
from ccci_host.agent.policy import Policy
from ccci_host.agent.pressure import FileSystem
from ccci_host.checks import Finding, disk_stays_bounded
from ccci_host.records import (
    AgentSeen,
    Cleanup,
    DaemonEvent,
    Deployed,
    FileSeen,
    History,
    PlanSeen,
    Pruner,
    PrunersSeen,
    RanCommand,
    Started,
    StoreSeen,
    StrangeContainer,
    StrangersSeen,
    StrangeService,
    SweepSeen,
    Tick,
    TicksSeen,
    TornDown,
    UnitSeen,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    APP,
    DB,
    IDS,
    NOON,
    changed,
    digest,
    good,
    of_events,
    store,
    strangers,
    ticks,
    without,
)
from tests.unit.checks.cases import finding
from tests.unit.checks.spoilt import removal, restarted, strange

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


@pytest.mark.parametrize("record", [Deployed, TornDown])
@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("docker", "system", "prune", "-af", "--filter", "until=168h"), "docker system prune -af"),
        (("sh", "-c", "docker login -p dckr_pat_x; docker rmi {stack}"), "docker rmi"),
    ],
)
def test_a_harness_that_removes_images_fails_though_none_went_this_time(
    record: type[Deployed | TornDown], argv: tuple[str, ...], shown: str
) -> None:
    ran = (RanCommand(argv=argv, where="host", exit_code=0, stdout="", stderr="", seconds=0.4),)
    part = "deployment" if record is Deployed else "removal"

    def harness(one: Any) -> Any:
        return one.model_copy(update={part: getattr(one, part).model_copy(update={"commands": ran})})

    found = finding("no-competing-pruner", changed(good(TASK), record, harness))
    assert found.verdict is Verdict.FAIL
    assert found.reason == f"The harness itself removes images: `{shown}`."
    assert found.todo == "Take the command out of the harness; the agent alone deletes images."


def test_a_harness_may_prune_what_is_no_image() -> None:
    argv = ("docker", "builder", "prune", "-f")
    ran = (RanCommand(argv=argv, where="host", exit_code=0, stdout="", stderr="", seconds=0.4),)
    verdict, _ = judged("no-competing-pruner", TornDown, removal(commands=ran))
    assert verdict is Verdict.PASS


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


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_drop_in_of_any_unit_is_a_fail(position: int) -> None:
    """Its file is as built, byte for byte, and systemd runs something else."""
    path = "/etc/systemd/system/x.d/x.conf"

    def spoil(seen: AgentSeen) -> AgentSeen:
        units = list(seen.units)
        units[position] = units[position].model_copy(update={"drop_ins": (path,)})
        return seen.model_copy(update={"units": tuple(units)})

    told, reason = judged("agent-as-built", AgentSeen, spoil)
    assert told is Verdict.FAIL
    assert f"{path} (alters {good(TASK).of(AgentSeen)[0].units[position].name})" in reason


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
        ({"enabled": "enabled-runtime"}, "is not enabled at boot (enabled-runtime)"),
        ({"enabled": "static"}, "is not enabled at boot (static)"),
        ({"enabled": "static", "active": "inactive"}, "is inactive"),
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


@pytest.mark.parametrize(
    ("name", "enabled", "verdict"),
    [
        ("ccci-prune-watch.service", "enabled", Verdict.UNKNOWN),
        ("ccci-prune-watch.service", "disabled", Verdict.FAIL),
        ("ccci-prune.service", "static", Verdict.PASS),
    ],
)
def test_a_unit_on_its_way_up_at_a_look(name: str, enabled: str, verdict: Verdict) -> None:
    """The look-out is started anew a second after dockerd ended its stream; the service may tick."""

    def starting(unit: UnitSeen) -> UnitSeen:
        change = {"active": "activating", "enabled": enabled}
        return unit.model_copy(update=change) if unit.name == name else unit

    def spoil(seen: AgentSeen) -> AgentSeen:
        return seen.model_copy(update={"units": tuple(map(starting, seen.units))})

    judgement = judged("timer-armed", AgentSeen, spoil)
    assert judgement[0] is verdict
    if verdict is Verdict.UNKNOWN:
        assert judgement[1] == "At a look systemd was just starting ccci-prune-watch.service."


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


def in_use(image: str, *, service: str | None = None) -> History:
    """A run beside a stranger's stopped container of the image `image`, and a service with it in its spec."""

    def change(seen: StrangersSeen) -> StrangersSeen:
        held = by(image=image, state="exited")
        state = StrangeService(name="shop_web", image=service or "", running=0, desired=0)
        return seen.model_copy(update={"containers": (held,), "states": (state,) if service else ()})

    return changed(good(TASK), StrangersSeen, change, moment="start")


@pytest.mark.parametrize(
    ("image", "service", "holder"),
    [
        (digest("9"), None, "container by"),
        (digest("7"), None, "container by"),
        (digest("4"), f"shop:1@{digest('7')}", "service shop_web"),
        (digest("4"), "docker.io/library/shop:1", "service shop_web"),
        (digest("4"), "shop:1", "service shop_web"),
    ],
    ids=["by its id", "by the digest that is its id on the containerd store", "pinned", "in full", "by tag"],
)
def test_a_plan_that_would_delete_what_others_have_in_use_fails(
    image: str, service: str | None, holder: str
) -> None:
    shop = {
        "id": digest("9"),
        "refs": ["shop:1", f"shop@{digest('7')}"],
        "class": "idle",
        "reason": "idle: 30 d",
    }
    found = finding(PLAN, changed(in_use(image, service=service), PlanSeen, {"victims": (shop,)}))
    assert found.verdict is Verdict.FAIL
    assert found.reason.endswith(f"what it must keep: shop:1 of {holder} (idle: 30 d).")


@pytest.mark.parametrize("service", ["shop", "shop:latest", "localhost:5000/shop"])
def test_a_tag_that_a_service_leaves_out_is_known_as_it_is_implied(service: str) -> None:
    reference = service if service.endswith(":latest") else f"{service}:latest"
    shop = {"id": digest("9"), "refs": [reference], "class": "idle", "reason": "idle: 30 d"}
    found = finding(PLAN, changed(in_use(digest("4"), service=service), PlanSeen, {"victims": (shop,)}))
    assert found.verdict is Verdict.FAIL
    assert found.reason.endswith(f"what it must keep: {reference} of service shop_web (idle: 30 d).")


@pytest.mark.parametrize("service", [f"shop:1@{digest('6')}", "shop:2", "shop", "ghcr.io/shop:1"])
def test_another_image_of_a_repository_that_is_in_use_may_go(service: str) -> None:
    shop = {"id": digest("9"), "refs": ["shop:1"], "class": "superseded", "reason": "superseded"}
    history = changed(in_use(digest("4"), service=service), PlanSeen, {"victims": (shop,)})
    assert finding(PLAN, history).verdict is Verdict.PASS


def test_an_image_without_a_name_is_known_by_its_id() -> None:
    """On the containerd store that is the digest of its manifest."""
    victim = {"id": digest("d"), "refs": [], "class": "idle", "reason": "idle: 30 d"}
    verdict, reason = judged(PLAN, PlanSeen, {"victims": (victim,)})
    assert verdict is Verdict.FAIL
    assert "ccci/db:2.0 (idle: 30 d)" in reason
    kept = tuple({"id": digest(letter), "refs": ["ccci/cached:1"], "class": "idle"} for letter in "ad")
    assert judged(PLAN, PlanSeen, {"kept": kept})[0] is Verdict.PASS


def test_a_plan_behind_a_closed_gate_shows_nothing() -> None:
    verdict, reason = judged(PLAN, PlanSeen, {"gates": {"lease": {"reason": "held"}}})
    assert verdict is Verdict.UNKNOWN
    assert "lease" in reason


def test_a_real_plan_that_names_victims_behind_a_closed_gate_fails() -> None:
    victim = {"id": digest("9"), "refs": ["wiki:1"], "class": "orphaned", "reason": "orphaned"}
    gates = {"no-pressure": {"reason": "/var/lib/docker at 50 %: below 80 %", "until": None}}

    def verdict(**changes: Any) -> Verdict | None:
        real = PlanSeen(**{"moment": "end", "victims": (victim,), "gates": gates, **changes})
        events = [entry.event for entry in good(TASK).entries]
        return finding(PLAN, of_events((*events, real))).verdict

    assert verdict() is Verdict.FAIL
    assert verdict(gates={"lease": {"reason": "held"}}) is Verdict.FAIL
    assert verdict(victims=()) is Verdict.PASS
    assert verdict(gates={}) is Verdict.PASS
    assert verdict(gates={"no-pressure": None}) is Verdict.PASS
    assert verdict(simulated_percent=99.0) is Verdict.PASS


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
    said = "/var/lib/docker at 91.0 % (inodes 1.0 %): above the high watermark of 80 % since noon"
    verdict, reason = judged(DISK, SweepSeen, {"exit_code": 1, "output": said}, under="nothing")
    assert verdict is Verdict.FAIL
    assert "ended above the high watermark" in reason


def test_a_tick_that_fails_for_another_reason_says_nothing_of_the_disk() -> None:
    said = "nothing can be decided: a container could not be inspected"
    verdict, reason = judged(DISK, SweepSeen, {"exit_code": 1, "output": said}, under="nothing")
    assert verdict is Verdict.UNKNOWN
    assert said in reason


def test_the_words_by_which_a_tick_above_is_known_are_the_agents() -> None:
    disk = (FileSystem("/", 91.0, 0.0),)
    scene = SimpleNamespace(disk=disk, policy=Policy())
    assert disk_stays_bounded.ABOVE in sweep._above(cast(Any, scene))


def test_a_tick_that_nobody_saw_is_unknown() -> None:
    assert judged(DISK, SweepSeen, {"exit_code": None}, under="nothing")[0] is Verdict.UNKNOWN
    assert judged(DISK, SweepSeen, {"problem": "no agent"}, under="nothing")[0] is Verdict.UNKNOWN


def real_host(history: History) -> History:
    """The same on a host in use, where no experiment starts a tick of its own."""
    return changed(without(history, SweepSeen, under="nothing"), Started, {"disposable": False})


def ticked(*ends: tuple[float, float | None]) -> dict[str, Any]:
    """Ticks so many hours ago, each with how full it left the disk."""
    seen = ticks()
    return {
        "ticks": tuple(Tick(at=seen.host_clock - 3600 * ago, done=True, percent=left) for ago, left in ends)
    }


def test_a_day_of_ticks_and_a_plan_decide_on_a_host_in_use() -> None:
    found = finding(DISK, real_host(good(TASK)))
    assert found.verdict is Verdict.PASS
    assert found.reason == (
        "24 ticks of the last 24 hours ended below the high watermark of 80 %, and 35.0 % of /var/lib/docker "
        "is beyond what the agent may free, with the low watermark at 70 %."
    )


@pytest.mark.parametrize("left", [80.0, 91.5])
def test_a_tick_of_the_day_that_ended_above_shows_no_bound(left: float) -> None:
    ends = ticked((20, 60.0), (15, left), (10, 60.0), (5, 60.0), (0.5, 60.0))
    for history in (good(TASK), real_host(good(TASK))):
        found = finding(DISK, changed(history, TicksSeen, ends))
        assert found.verdict is Verdict.UNKNOWN
        assert f"ended above the high watermark of 80 %, at up to {left:g} %" in found.reason


@pytest.mark.parametrize(
    ("ends", "gap"),
    [
        (((17.0, 60.0), (11.0, 60.0), (5.5, 60.0)), 7),
        (((20.0, 60.0), (12.0, 60.0), (5.5, 60.0)), 8),
        (((20.0, 60.0), (15.0, 60.0), (9.0, 60.0)), 9),
        (((20.0, 60.0), (15.0, None), (9.0, 60.0), (4.0, 60.0)), 11),
        ((), 24),
    ],
    ids=["late first", "silence within", "nothing since", "a tick that told nothing", "no tick"],
)
def test_less_than_a_day_shows_nothing_on_a_host_in_use(
    ends: tuple[tuple[float, float | None], ...], gap: int
) -> None:
    found = finding(DISK, changed(real_host(good(TASK)), TicksSeen, ticked(*ends)))
    assert found.verdict is Verdict.UNKNOWN
    assert f"a gap of {gap} hours" in found.reason


def test_a_day_with_six_hours_of_silence_is_a_day() -> None:
    def silent(hours: float) -> History:
        return changed(
            real_host(good(TASK)), TicksSeen, ticked((hours, 60.0), (12, 60.0), (6, 60.0), (0.5, 60.0))
        )

    assert finding(DISK, silent(18.0)).verdict is Verdict.PASS
    assert finding(DISK, silent(17.99)).verdict is Verdict.UNKNOWN


def test_a_host_that_is_minutes_old_says_how_long_its_ticks_cover() -> None:
    found = finding(DISK, changed(good(TASK), TicksSeen, ticked((0.2, 50.0), (0.1, 50.0))))
    assert found.verdict is Verdict.PASS
    assert found.reason.startswith("2 ticks of the last 12 minutes and that of this run ended below the")
    found = finding(DISK, changed(good(TASK), TicksSeen, {"ticks": ()}))
    assert found.verdict is Verdict.PASS
    assert found.reason.startswith("The tick of this run, the only one on this host, ended below the high")


def test_a_minutes_old_host_in_use_is_given_no_credit() -> None:
    young = changed(good(TASK), TicksSeen, ticked((0.2, 50.0)))
    assert finding(DISK, changed(young, Started, {"disposable": False})).verdict is Verdict.UNKNOWN
    assert finding(DISK, without(young, SweepSeen, under="nothing")).verdict is Verdict.UNKNOWN


def failing(*ends: tuple[float, bool]) -> dict[str, Any]:
    """Ticks so many hours ago, and whether each ended well; the disk was half full all the time."""
    clock = ticks().host_clock
    return {"ticks": tuple(Tick(at=clock - 3600 * ago, done=done, percent=50.0) for ago, done in ends)}


def test_an_agent_none_of_whose_ticks_ended_well_of_late_shows_no_bound() -> None:
    before = ((20.0, True), (15.0, True), (10.0, True))
    late = failing(*before, (6.01, True), (6.0, False), (0.5, False))
    found = finding(DISK, changed(real_host(good(TASK)), TicksSeen, late))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The last 6 hours had 2 ticks, and none ended well."
    assert "`journalctl -u ccci-prune`" in found.todo
    alone = failing(*before, (5.0, False))
    assert finding(DISK, changed(real_host(good(TASK)), TicksSeen, alone)).verdict is Verdict.UNKNOWN


def test_a_tick_that_failed_among_good_ones_is_harmless() -> None:
    for last in (((6.0, True), (0.5, False)), ((6.0, False), (0.5, True))):
        history = changed(
            real_host(good(TASK)), TicksSeen, failing((18.0, True), (13.0, True), (9.0, True), *last)
        )
        assert finding(DISK, history).verdict is Verdict.PASS


def test_the_runs_own_good_tick_makes_up_for_one_that_failed() -> None:
    once, twice = failing((0.5, False)), failing((0.8, False), (0.5, False))
    assert finding(DISK, changed(good(TASK), TicksSeen, once)).verdict is Verdict.PASS
    assert finding(DISK, changed(good(TASK), TicksSeen, twice)).verdict is Verdict.UNKNOWN


def filled(megabytes: int) -> dict[str, Any]:
    return {"used": megabytes * 1_000_000, "available": (100 - megabytes) * 1_000_000}


def test_what_no_row_may_free_has_to_be_below_the_low_watermark() -> None:
    assert judged(DISK, TicksSeen, filled(84))[0] is Verdict.PASS
    verdict, reason = judged(DISK, TicksSeen, filled(85))
    assert verdict is Verdict.UNKNOWN
    assert "70 % of /var/lib/docker is beyond what the agent may free" in reason


@pytest.mark.parametrize(
    "stays",
    [
        {"class": "held", "reason": "pinned", "until": None},
        {"class": "idle", "reason": "unknown origin", "until": None},
    ],
)
def test_a_layer_that_an_image_which_stays_shares_is_not_freed(stays: dict[str, Any]) -> None:
    """The database stays, and with it the base below the app: only the app's own 5 MB may go."""
    kept = (
        {"id": IDS[APP], "refs": [APP], "class": "idle", "reason": "cached", "until": 1.0},
        {"id": IDS[DB], "refs": [DB], **stays},
    )
    history = changed(good(TASK), PlanSeen, {"kept": kept})
    assert "45.0 % of /var/lib/docker is beyond" in finding(DISK, history).reason
    assert finding(DISK, changed(history, TicksSeen, filled(74))).verdict is Verdict.PASS
    assert finding(DISK, changed(history, TicksSeen, filled(75))).verdict is Verdict.UNKNOWN


def test_a_victim_is_freed_too() -> None:
    victims = ({"id": IDS[APP], "refs": [APP], "class": "superseded", "reason": "superseded"},)
    history = changed(good(TASK), PlanSeen, {"victims": victims, "kept": ()})
    assert "45.0 % of /var/lib/docker is beyond" in finding(DISK, history).reason
    gone = changed(history, StoreSeen, lambda _: store("end", without=(APP,)), moment="end")
    assert "50.0 % of /var/lib/docker is beyond" in finding(DISK, gone).reason  # it is not there to be freed


@pytest.mark.parametrize(
    "spoilt",
    [
        without(good(TASK), TicksSeen),
        changed(good(TASK), TicksSeen, {"problem": "denied"}),
        changed(good(TASK), TicksSeen, {"high_percent": None}),
        changed(good(TASK), TicksSeen, {"low_percent": None}),
        changed(good(TASK), TicksSeen, {"used": 0, "available": 0}),
        without(good(TASK), PlanSeen),
        changed(good(TASK), PlanSeen, {"simulated_percent": None}),
        changed(good(TASK), PlanSeen, {"problem": "broke"}),
        changed(good(TASK), PlanSeen, {"unreadable": ("images",)}),
        changed(good(TASK), StoreSeen, {"problem": "denied"}),
    ],
)
def test_a_bound_that_nobody_measured_is_unknown(spoilt: History) -> None:
    assert finding(DISK, spoilt).verdict is Verdict.UNKNOWN


TEARDOWN = "teardown-is-clean"


def test_what_a_teardown_left_fails() -> None:
    verdict, reason = judged(TEARDOWN, TornDown, removal(left=(("secret", "ccci_pw", "in use"),)))
    assert verdict is Verdict.FAIL
    assert reason == "Left behind: secret ccci_pw."


def test_a_teardown_that_removes_an_image_fails() -> None:
    verdict, reason = judged(TEARDOWN, TornDown, removal(removed=(("service", "a"), ("image", DB))))
    assert verdict is Verdict.FAIL
    assert reason == f"The teardown removed images: {DB}."


@pytest.mark.parametrize("task", ["verify-pc1", "verify-pc2", "verify-pc3", "reboot-and-redeploy"])
def test_an_image_that_is_pulled_anew_after_the_teardown_fails(task: str) -> None:
    """A harness of somebody else's does not say that it removed one."""
    history = changed(good(task), StoreSeen, lambda _: store("deployed", fresh=-9), moment="deployed")
    found = finding(TEARDOWN, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("Gone from the store with the teardown: ")


@pytest.mark.parametrize("task", ["verify-pc1", "verify-pc2", "verify-pc3", "reboot-and-redeploy"])
def test_an_image_of_somebody_elses_may_be_gone_by_his_own_hand(task: str) -> None:
    found = finding(TEARDOWN, changed(good(task), StoreSeen, strange("wiki:1"), moment="deployed"))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "Gone during the teardown, by whomever: wiki:1."


@pytest.mark.parametrize("cycle", [1, 2])
@pytest.mark.parametrize("moment", ["torn-down", "finally-torn-down"])
def test_the_store_is_compared_around_each_teardown(cycle: int, moment: Any) -> None:
    whole = good("verify-pc3", cycles=2)
    gone = changed(
        whole, StoreSeen, lambda _: store(moment, cycle, without=(DB,)), moment=moment, cycle=cycle
    )
    found = finding(TEARDOWN, gone)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Gone from the store with the teardown: ccci/db:2.0."
    blind = changed(whole, StoreSeen, {"problem": "daemon down"}, moment=moment, cycle=cycle)
    assert finding(TEARDOWN, blind).verdict is Verdict.UNKNOWN


def test_an_image_that_is_gone_counts_though_another_look_failed() -> None:
    history = changed(good("verify-pc3"), StoreSeen, {"problem": "daemon down"}, moment="torn-down")
    gone = changed(
        history, StoreSeen, lambda _: store("finally-torn-down", without=(DB,)), moment="finally-torn-down"
    )
    assert finding(TEARDOWN, gone).verdict is Verdict.FAIL


def test_what_the_cleanup_could_not_remove_fails() -> None:
    assert judged(TEARDOWN, Cleanup, {"left": (("stack", "s", "daemon down"),)})[0] is Verdict.FAIL


def test_a_teardown_of_nothing_shows_nothing() -> None:
    assert judged(TEARDOWN, TornDown, removal(removed=()))[0] is Verdict.UNKNOWN
    assert judged(TEARDOWN, Cleanup, {"problem": "could not look"})[0] is Verdict.UNKNOWN


STRANGERS = "strangers-untouched"


def later(**changes: Any) -> Any:
    return lambda seen: seen.model_copy(update=changes)


def with_specs(task: str, then: str, now: str, *, index: int) -> Finding:
    """Of the service `wiki_app`, whose spec had these hashes; `index` is that of its version at the end."""
    history = good(task)
    for moment, spec in (("start", then), ("end", now)):

        def known(seen: StrangersSeen, spec: str = spec) -> StrangersSeen:
            return seen.model_copy(
                update={"states": tuple(state.model_copy(update={"spec": spec}) for state in seen.states)}
            )

        history = changed(history, StrangersSeen, known, moment=moment)
    return finding(
        STRANGERS, changed(history, StrangersSeen, {"services": (("wiki_app", index),)}, moment="end")
    )


@pytest.mark.parametrize("task", [TASK, "reboot-and-redeploy"])
@pytest.mark.parametrize("index", [17, 18])
def test_a_service_was_updated_when_its_spec_is_another(task: str, index: int) -> None:
    """Swarm raises the index by itself: at the end of an update's monitoring, when dockerd starts."""
    assert with_specs(task, "a", "a", index=index).verdict is Verdict.PASS
    found = with_specs(task, "a", "b", index=index)
    assert found.verdict is Verdict.FAIL
    assert "service wiki_app was updated" in found.reason


@pytest.mark.parametrize("task", [TASK, "reboot-and-redeploy"])
@pytest.mark.parametrize(
    ("fired", "now", "forced", "verdict", "told"),
    [
        pytest.param("b", "b", 9, Verdict.PASS, "was started by its schedule", id="fired for the first time"),
        pytest.param("a", "a", 9, Verdict.PASS, "was started by its schedule", id="fired again"),
        pytest.param(
            "b", "a", 9, Verdict.PASS, "was started by its schedule", id="fired, its number left alone"
        ),
        pytest.param("", "a", 9, Verdict.UNKNOWN, "was started anew, by a schedule", id="forced by whomever"),
        pytest.param("b", "b", 0, Verdict.FAIL, "was updated", id="scaled without a start"),
        pytest.param("b", "c", 9, Verdict.FAIL, "was updated", id="fired, and updated or scaled down"),
        pytest.param("", "c", 9, Verdict.FAIL, "was updated", id="updated and forced"),
        pytest.param("b", "c", 0, Verdict.FAIL, "was updated", id="updated"),
    ],
)
def test_a_scheduled_start_is_nobodys_update(
    task: str, fired: str, now: str, forced: int, verdict: Verdict, told: str
) -> None:
    """`a` is the spec before: its image, its replicas, all of it but what a start by force raises."""
    [was] = strangers("start").states
    history = changed(
        good(task),
        StrangersSeen,
        later(states=(was.model_copy(update={"spec": "a", "fired": fired}),)),
        moment="start",
    )
    end = was.model_copy(update={"spec": now, "forced": forced, "fired": fired})
    found = finding(STRANGERS, changed(history, StrangersSeen, later(states=(end,)), moment="end"))
    assert found.verdict is verdict
    assert any(f"service wiki_app {told}" in text for text in (found.reason, *found.details))


def test_where_services_are_told_without_their_states_the_index_tells() -> None:
    history = changed(good(TASK), StrangersSeen, {"states": ()})
    assert finding(STRANGERS, history).verdict is Verdict.PASS
    found = finding(
        STRANGERS, changed(history, StrangersSeen, {"services": (("wiki_app", 18),)}, moment="end")
    )
    assert "service wiki_app was updated" in found.reason


@pytest.mark.parametrize(("then", "now"), [("", ""), ("a", ""), ("", "a")])
def test_where_a_spec_is_not_known_the_index_tells(then: str, now: str) -> None:
    assert with_specs(TASK, then, now, index=18).verdict is Verdict.FAIL
    assert with_specs(TASK, then, now, index=17).verdict is Verdict.PASS
    assert with_specs("reboot-and-redeploy", then, now, index=18).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"containers": (), "states": ()}, "container wiki_app.1 is gone"),
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
    def started_later(seen: StrangersSeen) -> StrangersSeen:
        return seen.model_copy(
            update={"containers": (seen.containers[0].model_copy(update={"started_at": "later"}),)}
        )

    verdict, reason = judged(STRANGERS, StrangersSeen, started_later, moment="end")
    assert verdict is Verdict.FAIL
    assert "container wiki_app.1 was restarted" in reason


def test_after_a_reboot_containers_are_new_and_volumes_are_not() -> None:
    def rebooted(history: History, **changes: Any) -> Verdict | None:
        return finding(STRANGERS, changed(history, StrangersSeen, later(**changes), moment="end")).verdict

    history = good("reboot-and-redeploy")
    assert rebooted(history, containers=()) is Verdict.PASS
    assert rebooted(history, services=(("wiki_app", 18),)) is Verdict.PASS
    assert rebooted(history, volumes=()) is Verdict.FAIL


BY = StrangeContainer(
    id="c2",
    name="by",
    image=digest("4"),
    state="running",
    started_at="2026-03-01T11:00:00Z",
    restarts=0,
    restart_policy="no",
)
"""A container that belongs to no service."""
EXITED = {"state": "exited", "finished_at": "2026-03-01T12:01:00Z", "exit_code": 0}
FAILED = {**EXITED, "exit_code": 143}
CREATED, RESTARTING = {"state": "created"}, {"state": "restarting"}
BY_POLICY = "is exited after the reboot, by its restart policy `{}`"


def beside(history: History, before: StrangeContainer, after: StrangeContainer | None) -> Finding:
    """What is said of a run beside a container that was as `before`, and is as `after`."""

    def now(*containers: StrangeContainer) -> Any:
        return lambda seen: seen.model_copy(update={"containers": (*seen.containers, *containers)})

    history = changed(history, StrangersSeen, now(before), moment="start")
    return finding(STRANGERS, changed(history, StrangersSeen, now(*([after] if after else [])), moment="end"))


def of_it(found: Finding) -> str:
    """What is told of the container, whatever that means for the run; nothing of one that is as before."""
    return "".join(found.details) or found.reason.partition(": ")[2].removesuffix(".")


def by(**changes: Any) -> StrangeContainer:
    return BY.model_copy(update=changes)


def told_by_daemon(history: History, *actions: tuple[str, float], exit_code: int = 0) -> History:
    """What the daemon remembers of it: actions, each so many seconds after noon."""
    ends = tuple(
        DaemonEvent(
            at=NOON.timestamp() + at,
            type="container",
            action=action,
            id=BY.id,
            exit_code=exit_code if action == "die" else None,
        )
        for action, at in actions
    )
    return changed(history, StrangersSeen, {"ends": ends}, moment="end")


def test_a_container_that_ended_by_itself_was_not_disturbed() -> None:
    history = told_by_daemon(good(TASK), ("kill", -10), ("die", 60))  # the signal was another one's
    for before, after in ((BY, by(**EXITED)), (by(auto_remove=True), None)):
        found = beside(history, before, after)
        assert found.verdict is Verdict.PASS
        assert found.reason.endswith("were there before, and the run disturbed none of them.")
        assert found.details == ("container by ended by itself",)


@pytest.mark.parametrize(
    "actions",
    [
        (("kill", 55.0), ("die", 60.0)),
        (("kill", 0.0), ("die", 60.0)),
        (("die", 60.0), ("stop", 60.1)),
        (("kill", -NOON.timestamp()),),
    ],
    ids=["just before", "a minute before", "as it ended", "ever, and of its end the daemon does not tell"],
)
def test_a_container_that_was_stopped_was_disturbed(actions: tuple[tuple[str, float], ...]) -> None:
    history = told_by_daemon(good(TASK), *actions)
    for before, after in ((BY, by(**EXITED)), (by(auto_remove=True), None)):
        found = beside(history, before, after)
        assert (found.verdict, of_it(found)) == (Verdict.FAIL, "container by was stopped")


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_a_container_that_the_daemon_would_have_started_again_was_stopped(policy: str) -> None:
    found = beside(good(TASK), by(restart_policy=policy), by(**{**EXITED, "restart_policy": policy}))
    assert found.verdict is Verdict.FAIL


def test_a_container_may_have_been_started_again_as_often_as_it_was_to_be() -> None:
    policy = {"restart_policy": "on-failure", "exit_code": 1}
    ended = by(**{**EXITED, **policy})
    known = told_by_daemon(good(TASK), ("die", 60), exit_code=1)
    assert beside(known, by(**policy), ended).verdict is Verdict.UNKNOWN


def test_swarm_itself_stops_and_replaces_what_is_unhealthy() -> None:
    history = told_by_daemon(good(TASK), ("kill", 55.0), ("die", 60.0))
    of_service = {"service": "wiki_app"}
    found = beside(history, by(**of_service), by(**{**EXITED, **of_service}))
    assert found.verdict is Verdict.UNKNOWN
    assert "container by was stopped, by swarm or" in found.reason
    other = {"service": "none_such"}
    assert beside(history, by(**other), by(**{**EXITED, **other})).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("before", "after", "verdict", "told"),
    [
        ({"state": "exited"}, {"state": "exited"}, Verdict.PASS, ""),
        ({"state": "exited"}, {"state": "running"}, Verdict.PASS, ""),
        ({"state": "exited"}, None, Verdict.UNKNOWN, "container by, which was exited, is gone"),
        ({"state": "created"}, None, Verdict.UNKNOWN, "container by, which was created, is gone"),
        ({"state": "paused"}, None, Verdict.UNKNOWN, "container by, which was paused, is gone"),
        ({"state": "paused"}, {"state": "running"}, Verdict.FAIL, "container by was paused, and is running"),
        ({"state": "exited", "service": "wiki_app"}, None, Verdict.PASS, ""),
    ],
)
def test_a_container_that_did_not_run_is_not_to_disappear(
    before: dict[str, Any], after: dict[str, Any] | None, verdict: Verdict, told: str
) -> None:
    found = beside(good(TASK), by(**before), by(**after) if after is not None else None)
    assert (found.verdict, of_it(found)) == (verdict, told)


def test_where_nobody_knows_how_a_container_ended_nothing_is_known() -> None:
    ended = by(**EXITED)
    known = told_by_daemon(good(TASK), ("die", 60))

    def since(oldest: float | None) -> History:
        return changed(known, StrangersSeen, {"ends_since": oldest}, moment="end")

    assert beside(since(NOON.timestamp()), BY, ended).verdict is Verdict.PASS
    for history in (good(TASK), since(NOON.timestamp() + 0.1), since(None)):
        found = beside(history, BY, ended)
        assert found.verdict is Verdict.UNKNOWN
        assert "container by ended, and the daemon no longer knows how" in found.reason
    found = beside(told_by_daemon(good(TASK), ("die", 60), exit_code=137), BY, ended)
    assert found.verdict is Verdict.UNKNOWN
    assert "container by failed with exit code 137" in found.reason


def test_a_container_that_is_gone_was_removed_by_somebody() -> None:
    assert "container by is gone" in beside(good(TASK), BY, None).reason
    found = beside(told_by_daemon(good(TASK), ("die", 60)), BY, None)
    assert found.verdict is Verdict.UNKNOWN
    assert "container by ended by itself, and somebody removed it" in found.reason


def of_shop(
    running: int, *actions: tuple[str, float], exit_code: int = 0, name: str = "shop", desired: int = 3
) -> str:
    """What is told of a container that is gone.

    It was of a service called `name`; `shop` ran 1 of 3 tasks before, and `running` of `desired` after.
    """

    def running_tasks(number: int, wanted: int = 3) -> Any:
        state = StrangeService(name="shop", image="shop:1", running=number, desired=wanted)
        return lambda seen: seen.model_copy(update={"states": (*seen.states, state)})

    history = told_by_daemon(good(TASK), *actions, exit_code=exit_code)
    history = changed(history, StrangersSeen, running_tasks(1), moment="start")
    history = changed(history, StrangersSeen, running_tasks(running, desired), moment="end")
    found = beside(history, by(service=name), None)
    return f"{found.verdict}: {found.reason.partition('container by ')[2].removesuffix('.')}"


@pytest.mark.parametrize("running", [0, 1, 3])
def test_swarm_removes_what_ended_and_was_replaced_or_is_to_be(running: int) -> None:
    """The last look may fall between the end of one and the start of the next."""
    told, removed = "UNKNOWN: ", ", and was removed, by swarm or by somebody"
    lost, failed = of_shop(running), of_shop(running, ("die", 60), exit_code=1)
    assert lost == f"{told}ended, and the daemon no longer knows how{removed}"
    assert failed == f"{told}failed with exit code 1{removed}"
    assert of_shop(running, ("die", 60)) == f"{told}ended by itself{removed}"
    stopped = of_shop(running, ("kill", 55), ("die", 60), exit_code=137)
    assert stopped == f"{told}was stopped, by swarm or at somebody's word{removed}"


def test_what_is_not_to_be_replaced_was_removed_by_somebody() -> None:
    assert of_shop(0, ("kill", 55), ("die", 60), desired=2) == "FAIL: is gone"
    assert of_shop(3, name="none_such") == "FAIL: is gone"


@pytest.mark.parametrize(
    ("before", "after", "verdict", "told"),
    [
        ({}, {"restarts": 1}, Verdict.UNKNOWN, "was restarted by its policy"),
        ({}, {"started_at": "2026-03-01T12:00:30Z"}, Verdict.FAIL, "was restarted"),
        ({"restarts": 3}, {"restarts": 0, "started_at": "now"}, Verdict.FAIL, "was restarted"),
        ({"restarts": 3}, {"restarts": 4, "started_at": "now"}, Verdict.UNKNOWN, "by its policy"),
        ({}, {"state": "paused"}, Verdict.FAIL, "is paused"),
    ],
)
def test_a_container_that_is_not_as_it_was(
    before: dict[str, Any], after: dict[str, Any], verdict: Verdict, told: str
) -> None:
    found = beside(good(TASK), by(**before), by(**after))
    assert found.verdict is verdict
    assert told in found.reason


@pytest.mark.parametrize(
    ("before", "after", "verdict", "told"),
    [
        ({"restart_policy": "always"}, {"started_at": "now"}, Verdict.PASS, ""),
        ({"restart_policy": "always"}, EXITED, Verdict.FAIL, "is exited after the reboot"),
        ({"restart_policy": "unless-stopped"}, CREATED, Verdict.FAIL, "is created after the reboot"),
        ({"restart_policy": "on-failure"}, FAILED, Verdict.FAIL, "is exited after the reboot"),
        ({"restart_policy": "on-failure"}, EXITED, Verdict.PASS, BY_POLICY.format("on-failure")),
        ({"restart_policy": "always"}, RESTARTING, Verdict.UNKNOWN, "is restarting after the reboot"),
        ({}, EXITED, Verdict.PASS, BY_POLICY.format("no")),
        ({"restart_policy": None}, EXITED, Verdict.UNKNOWN, "is exited after the reboot"),
        ({"auto_remove": True}, None, Verdict.PASS, "is gone, as it was to be when it ended"),
        ({"restart_policy": "always"}, None, Verdict.FAIL, "is gone"),
        ({}, None, Verdict.UNKNOWN, "is gone"),
        ({}, {"id": "anew", "started_at": "now"}, Verdict.PASS, "was made anew after the reboot"),
        ({}, {"id": "anew", "state": "exited"}, Verdict.UNKNOWN, "is gone"),
        ({}, {"id": "anew", "image": digest("5")}, Verdict.UNKNOWN, "is gone"),
        ({}, {"id": "anew", "name": "another"}, Verdict.UNKNOWN, "is gone"),
    ],
)
def test_after_a_reboot_what_the_daemon_starts_again_has_to_run(
    before: dict[str, Any], after: dict[str, Any] | None, verdict: Verdict, told: str
) -> None:
    left = None if after is None else by(**{**before, **after})
    found = beside(good("reboot-and-redeploy"), by(**before), left)
    assert (found.verdict, of_it(found)) == (verdict, told and f"container by {told}")


LATELY = tuple(f"2026-03-01T11:{minute}:30.123456789Z" for minute in (51, 55, 59))


def rolling(
    times: tuple[str, ...] = LATELY, *, slot: str = "1", slots: str = "", running: int = 1, **ended: Any
) -> Finding:
    """A run beside a service of which containers in `slots` ended at `times`, and whose own one went away.

    It ran 1 task before, and runs as many as `running` after.
    """

    def start(seen: StrangersSeen) -> StrangersSeen:
        [own] = seen.containers
        usual = {"service": "wiki_app", "state": "exited", "exit_code": 1}
        old = tuple(
            by(**{**usual, "finished_at": at, **ended, "id": f"e{task}", "name": f"wiki_app.{place}.e{task}"})
            for task, (place, at) in enumerate(zip(slots or slot * len(times), times, strict=True))
        )
        own = own.model_copy(update={"name": "wiki_app.1.c1"})
        return seen.model_copy(update={"containers": (own, *old)})

    state = StrangeService(name="wiki_app", image="wiki:1", running=running, desired=1)
    history = changed(good(TASK), StrangersSeen, start, moment="start")
    return finding(
        STRANGERS, changed(history, StrangersSeen, later(containers=(), states=(state,)), moment="end")
    )


@pytest.mark.parametrize("exit_code", [1, 137, None])
def test_a_slot_that_was_restarting_before_is_not_ours_to_answer_for(exit_code: int | None) -> None:
    found = rolling(exit_code=exit_code)
    assert found.verdict is Verdict.PASS
    assert found.details == ("service wiki_app was restarting before",)


@pytest.mark.parametrize(
    "found",
    [
        rolling(LATELY[1:]),
        rolling(("2026-03-01T11:50:00Z", *LATELY[1:])),
        rolling(state="running"),
        rolling(finished_at=""),
        rolling(exit_code=0),
        rolling(slots="123"),
        rolling(slot="2"),
    ],
    ids=[
        "few",
        "one long ago",
        "they run again",
        "of no service",
        "ended well",
        "one a slot",
        "another slot",
    ],
)
def test_ends_that_are_no_restarting_excuse_nothing(found: Finding) -> None:
    """An update ends a container of each slot, in good order."""
    assert found.verdict is Verdict.UNKNOWN
    assert "container wiki_app.1.c1 ended, and the daemon no longer knows how" in found.reason


def test_containers_of_no_service_have_no_slot_to_restart_in() -> None:
    def start(seen: StrangersSeen) -> StrangersSeen:
        old = tuple(
            by(**{**FAILED, "id": f"e{job}", "name": f"job-{job}", "finished_at": at})
            for job, at in enumerate(LATELY)
        )
        return seen.model_copy(update={"containers": (*seen.containers, *old)})

    found = beside(changed(good(TASK), StrangersSeen, start, moment="start"), BY, None)
    assert found.verdict is Verdict.FAIL
    assert found.reason.endswith("lives on the host: container by is gone.")


def test_a_service_that_was_restarting_and_runs_fewer_tasks_is_unknown() -> None:
    found = rolling(running=0)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.endswith("is not known: service wiki_app runs 0 of 1 task, and ran 1 before.")
    assert found.details == ("service wiki_app was restarting before",)


def test_beside_the_worst_the_rest_is_told_too() -> None:
    history = changed(told_by_daemon(good(TASK), ("die", 60)), StrangersSeen, restarted, moment="end")
    unknown, known = "container wiki_app.1 was restarted by its policy", "container by ended by itself"
    found = beside(history, BY, by(**EXITED))
    assert (found.verdict, found.details) == (Verdict.UNKNOWN, (known,))
    assert found.reason.endswith(f"is not known: {unknown}.")
    found = beside(changed(history, StrangersSeen, later(volumes=()), moment="end"), BY, by(**EXITED))
    assert (found.verdict, found.details) == (Verdict.FAIL, (unknown, known))
    assert found.reason.endswith("what else lives on the host: volume wiki_data is gone.")


@pytest.mark.parametrize("task", [TASK, "reboot-and-redeploy"])
def test_a_service_that_runs_fewer_tasks_than_before_is_unknown(task: str) -> None:
    fewer = StrangeService(name="wiki_app", image="wiki:1", running=0, desired=1)
    found = finding(STRANGERS, changed(good(task), StrangersSeen, later(states=(fewer,)), moment="end"))
    assert found.verdict is Verdict.UNKNOWN
    assert "service wiki_app runs 0 of 1 task, and ran 1 before" in found.reason


def test_strangers_that_nobody_saw_are_unknown() -> None:
    assert judged(STRANGERS, StrangersSeen, {"problem": "daemon down"}, moment="end")[0] is Verdict.UNKNOWN
    assert finding(STRANGERS, without(good(TASK), StrangersSeen, moment="end")).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("history", "what"),
    [
        (without(good("verify-pc3"), TornDown, phase="teardown"), "the teardown of cycle 1"),
        (without(good("verify-pc3"), TornDown, phase="final-teardown"), "the final-teardown of cycle 1"),
        (
            without(good("reboot-and-redeploy", cycles=2), TornDown, phase="teardown", cycle=2),
            "the teardown of cycle 2",
        ),
        (without(good("verify-pc1"), Cleanup), "the cleanup at its end"),
    ],
)
def test_a_teardown_of_which_nothing_is_told_may_never_have_been(history: History, what: str) -> None:
    """And a redeploy over what still runs downloads nothing."""
    found = finding(TEARDOWN, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == f"What is left is not known: the history does not tell of {what}."
