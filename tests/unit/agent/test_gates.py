"""Each gate: closed for its reason, with every candidate kept, its row and its `until` told."""

from datetime import UTC, datetime

import pytest

from ccci_host.agent.clock import show
from ccci_host.agent.decide import Plan, decide
from ccci_host.agent.gates import CONVERGING, Circumstances, Download, Lease
from ccci_host.agent.host import read
from ccci_host.agent.pressure import FileSystem, recorded
from ccci_host.agent.snapshot import LISTINGS
from tests.unit.agent.hosts import DAY, HOUR, Story, by_digest

PULL = Download("a pull is in flight", 4711.0)


def a_story() -> Story:
    """A host with one image that goes as long as every gate is open."""
    story = Story()
    story.host.image("old", pulled=("org/old:1",))
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    story.look(after=100 * DAY)
    assert story.victims() == ["app", "old"] or story.victims() == ["old", "app"]
    return story


def names(plan: Plan) -> list[str]:
    return [gate.name for gate in plan.gates]


def assert_all_kept(plan: Plan) -> None:
    assert not plan.victims
    assert {ruling.row for ruling in plan.kept} <= {"idle", "service"}
    assert all(names(plan)[0] in ruling.reason for ruling in plan.kept if ruling.row == "idle")


@pytest.mark.parametrize("listing", [*LISTINGS, "image_inspect"])
def test_a_listing_that_fails_closes_the_gate(listing: str) -> None:
    story = a_story()
    snapshot = story.host.snapshot()
    del snapshot.answers[listing]
    snapshot.problems[listing] = "500 the daemon is ill"
    host = read(snapshot)
    plan = decide(host, story.ledger, story.policy, Circumstances(story.now, recorded(99.0), trusted=True))
    assert "unreadable" in names(plan)
    assert not plan.victims
    assert f"{listing}: 500 the daemon is ill" in plan.unreadable


@pytest.mark.parametrize(
    ("listing", "answer"),
    [
        ("images", {"message": "no"}),
        ("images", [{"RepoTags": []}]),
        ("containers", [{"Id": "x"}]),
        ("services", {"message": "This node is not a swarm manager."}),
        ("tasks", [{"ID": "x"}]),
        ("info", []),
        ("version", {"ApiVersion": "1.40"}),
        ("image_inspect", []),
    ],
)
def test_a_listing_that_makes_no_sense_closes_the_gate(listing: str, answer: object) -> None:
    story = a_story()
    snapshot = story.host.snapshot()
    snapshot.answers[listing] = answer
    plan = decide(
        read(snapshot), story.ledger, story.policy, Circumstances(story.now, recorded(99.0), trusted=True)
    )
    assert "unreadable" in names(plan)
    assert not plan.victims


def test_a_policy_that_cannot_be_read_closes_the_gate() -> None:
    story = a_story()
    around = Circumstances(story.now, recorded(99.0), unreadable=("policy: broken",), trusted=True)
    plan = decide(story.host.host(), story.ledger, story.policy, around)
    assert names(plan) == ["unreadable"]
    assert plan.gates[0].until is None
    assert_all_kept(plan)


def test_no_swarm_closes_nothing() -> None:
    story = a_story()
    story.host.swarm = "none"
    assert story.plan().victims
    snapshot = story.host.snapshot()
    snapshot.answers["services"] = {"message": "This node is not a swarm manager."}
    assert not read(snapshot).unreadable


def test_a_swarm_worker_stays_closed_and_says_so() -> None:
    story = a_story()
    story.host.swarm = "worker"
    plan = story.plan()
    assert names(plan) == ["unreadable"]
    assert "swarm worker" in plan.gates[0].reason


@pytest.mark.parametrize(("percent", "shut"), [(79.9, True), (80.0, False), (10.0, True), (99.0, False)])
def test_no_pressure(percent: float, shut: bool) -> None:
    story = a_story()
    story.disk = percent
    assert (names(story.plan()) == ["no-pressure"]) is shut
    assert bool(story.victims()) is not shut


@pytest.mark.parametrize(("percent", "shut"), [(69.9, True), (70.0, False), (75.0, False)])
def test_an_unfinished_sweep_goes_on_to_the_low_watermark(percent: float, shut: bool) -> None:
    story = a_story()
    story.ledger.sweep_since = story.now - HOUR
    story.disk = percent
    assert (names(story.plan()) == ["no-pressure"]) is shut


def test_inodes_and_every_file_system_count() -> None:
    story = a_story()
    for disk in (
        (FileSystem("/a", 10.0, 85.0),),
        (FileSystem("/a", 10.0, 0.0), FileSystem("/b", 85.0, 0.0)),
    ):
        around = Circumstances(story.now, disk, trusted=True)
        assert decide(story.host.host(), story.ledger, story.policy, around).victims


def test_a_lease_closes_and_is_named() -> None:
    story = a_story()
    until = story.now + 600
    plan = story.plan(leases=(Lease("1", "the nightly run", story.now - 60, until),))
    assert names(plan) == ["lease"]
    assert "the nightly run" in plan.gates[0].reason
    assert_all_kept(plan)
    assert {ruling.until for ruling in plan.kept} == {until}


def test_a_lease_without_a_deadline_has_no_until() -> None:
    story = a_story()
    timed = Lease("1", "one", story.now, story.now + 600)
    plan = story.plan(leases=(timed, Lease("2", "two", story.now)))
    assert plan.gates[0].until is None
    assert {ruling.until for ruling in plan.kept} == {None}


def test_a_service_that_has_not_converged() -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), replicas=2, running=1, updated=story.now - HOUR)
    plan = story.plan()
    assert names(plan) == ["deploying"]
    assert "web: 1 of 2 tasks" in plan.gates[0].reason
    assert_all_kept(plan)
    assert plan.gates[0].until == pytest.approx(story.now + CONVERGING - HOUR, abs=1)


def test_a_rollback_that_was_overtaken_leaves_the_older_task_running() -> None:
    story = a_story()
    image = by_digest("org/x:1", "x")
    story.host.service("web", image, replicas=1, running=1, updated=story.now - HOUR)
    story.host.task(
        "web", image, service="service-web", state="shutdown", desired="shutdown", since=story.now + 1
    )
    assert "deploying" not in names(story.plan())


def test_a_restart_loop_stops_retention_for_six_hours_only() -> None:
    story = a_story()
    story.host.service("loop", by_digest("org/app:1", "app"), running=0, updated=story.now - 5.9 * HOUR)
    story.host.task(
        "loop", by_digest("org/app:1", "app"), service="service-loop", state="starting", since=story.now
    )
    assert names(story.plan()) == ["deploying"]
    story.now += 0.2 * HOUR
    plan = story.plan()
    assert not plan.gates
    assert story.victims() == ["old"], "its own image is held by a root all the same"


def test_a_clock_set_back_does_not_make_it_longer() -> None:
    story = a_story()
    story.host.service("loop", by_digest("org/x:1", "x"), running=0, updated=story.now + 365 * DAY)
    assert not story.plan().gates


@pytest.mark.parametrize("state", ["updating", "rollback_started", "paused"])
def test_an_update_under_way(state: str) -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), state=state, updated=story.now)
    assert names(story.plan()) == ["deploying"]


@pytest.mark.parametrize("state", ["paused", "rollback_paused"])
@pytest.mark.parametrize(
    ("restart", "tasks", "over"),
    [
        ("none", ["complete"], True),
        ("on-failure", ["complete", "complete"], True),
        ("any", ["complete"], False),
        ("none", ["complete", "running"], False),
        ("on-failure", ["running"], False),
        ("none", ["failed"], False),
        ("none", [], False),
    ],
)
def test_a_paused_update_is_over_where_all_tasks_have_ended_in_good_order(
    state: str, restart: str, tasks: list[str], over: bool
) -> None:
    """So swarm leaves each start of a job that is done within seconds."""
    story = a_story()
    image = by_digest("org/x:1", "x")
    story.host.service("cron", image, replicas=len(tasks) or 1, running=0, state=state, updated=story.now)
    story.host.services[-1]["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] = restart
    for number, ended in enumerate(tasks):
        story.host.task(
            f"cron.{number}",
            image,
            service="service-cron",
            slot=number + 1,
            state=ended,
            desired="running" if ended == "running" else "shutdown",
        )
    plan = story.plan()
    assert names(plan) == ([] if over else ["deploying"])
    assert over or f"cron: its update is {state}" in plan.gates[0].reason


@pytest.mark.parametrize("state", ["completed", "rollback_completed"])
def test_an_update_that_is_over(state: str) -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), state=state, updated=story.now)
    assert not story.plan().gates


def test_a_spec_that_no_task_runs_yet() -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:2", "x2"), running=0, updated=story.now)
    story.host.task("web.1", by_digest("org/x:1", "x1"), service="service-web")
    assert names(story.plan()) == ["deploying"]


def test_a_one_shot_service_that_has_done_its_work_has_converged() -> None:
    story = a_story()
    story.host.service("migrate", by_digest("org/x:1", "x"), running=0, updated=story.now)
    story.host.services[-1]["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] = "none"
    story.host.task(
        "migrate",
        by_digest("org/x:1", "x"),
        service="service-migrate",
        state="complete",
        desired="shutdown",
    )
    assert not story.plan().gates


def test_a_pull_in_flight_by_a_task() -> None:
    story = a_story()
    story.host.task("pulling", by_digest("org/x:1", "x"), state="preparing", since=story.now)
    plan = story.plan()
    assert names(plan) == ["deploying"]
    assert "preparing" in plan.gates[0].reason


def test_a_pull_in_flight_by_growing_files() -> None:
    story = a_story()
    around = Circumstances(story.now, recorded(90.0), downloads=(PULL,), trusted=True)
    plan = decide(story.host.host(), story.ledger, story.policy, around)
    assert [(gate.name, gate.until) for gate in plan.gates] == [("deploying", PULL.until)]
    assert_all_kept(plan)


@pytest.mark.parametrize(("hours", "waits"), [(5.9, True), (6, True), (6.1, False)])
def test_no_pull_is_waited_for_once_the_disk_has_been_full_for_hours(hours: float, waits: bool) -> None:
    """Each try of swarm's is a pull in flight, and fails on that disk."""
    story = a_story()
    story.host.task("pulling", by_digest("org/x:1", "x"), state="preparing", since=story.now)
    story.ledger.above_since = story.now - hours * HOUR
    around = Circumstances(story.now, recorded(90.0), downloads=(PULL,), trusted=True)
    plan = decide(story.host.host(), story.ledger, story.policy, around)
    assert names(plan) == (["deploying"] if waits else [])


def test_a_deploy_is_waited_for_however_long_the_disk_has_been_full() -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), running=0, updated=story.now)
    story.ledger.above_since = story.now - 100 * HOUR
    assert names(story.plan()) == ["deploying"]


def test_every_closed_gate_is_told() -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), running=0, updated=story.now)
    around = Circumstances(
        story.now, recorded(10.0), (Lease("1", "me", 0.0),), unreadable=("policy: broken",), trusted=True
    )
    plan = decide(story.host.host(), story.ledger, story.policy, around)
    assert names(plan) == ["unreadable", "no-pressure", "lease", "deploying"]
    assert set(plan.to_json()["gates"]) == {"unreadable", "no-pressure", "lease", "deploying"}


def deployed(*tasks: tuple[str, str], restart: str = "any", replicas: int | None = 1) -> list[str]:
    """The closed gates beside a service that was just deployed, with tasks of these states and desires."""
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), running=0, replicas=replicas or 1, updated=story.now)
    spec = story.host.services[-1]["Spec"]
    spec["TaskTemplate"]["RestartPolicy"]["Condition"] = restart
    if replicas is None:
        spec["Mode"] = {"Global": {}}
    for number, (state, desired) in enumerate(tasks):
        story.host.task(
            f"web.{number}",
            by_digest("org/x:1", "x"),
            service="service-web",
            slot=number + 1,
            state=state,
            desired=desired,
            since=story.now + number,
        )
    return names(story.plan())


@pytest.mark.parametrize(
    ("tasks", "restart", "replicas", "converged"),
    [
        ([("running", "running")], "any", 1, True),
        ([("starting", "running")], "any", 1, False),
        ([("running", "running"), ("starting", "running")], "any", 1, False),
        ([("running", "running"), ("shutdown", "shutdown")], "any", 1, True),
        ([("running", "running"), ("running", "shutdown")], "any", 2, True),
        ([("running", "running"), ("failed", "running")], "any", 1, False),
        ([("running", "running")], "any", 2, False),
        ([("running", "running")], "any", None, True),
        ([], "any", None, True),
        ([("complete", "shutdown")], "any", 1, False),
        ([("complete", "shutdown")], "on-failure", 1, True),
        ([("complete", "shutdown")], "none", 1, True),
        ([("failed", "running")], "none", 1, True),
        ([("failed", "running")], "on-failure", 1, False),
        ([("failed", "shutdown")], "none", 1, False),
    ],
)
def test_when_a_service_has_converged(
    tasks: list[tuple[str, str]], restart: str, replicas: int | None, converged: bool
) -> None:
    assert deployed(*tasks, restart=restart, replicas=replicas) == ([] if converged else ["deploying"])


def test_a_job_that_is_done_has_converged() -> None:
    story = a_story()
    story.host.service("job", by_digest("org/x:1", "x"), running=0, updated=story.now)
    story.host.services[-1]["Spec"]["Mode"] = {"ReplicatedJob": {}}
    story.host.task(
        "job", by_digest("org/x:1", "x"), service="service-job", state="complete", desired="complete"
    )
    assert not story.plan().gates


def test_a_task_that_names_no_image_runs_its_spec() -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), running=0, updated=story.now)
    story.host.task("web", "", service="service-web")
    assert not story.plan().gates


@pytest.mark.parametrize(
    ("desired", "ago", "shut"),
    [("running", 60.0, True), ("shutdown", 60.0, False), ("running", 6.1 * HOUR, False)],
)
def test_a_task_that_prepares(desired: str, ago: float, shut: bool) -> None:
    story = a_story()
    since = story.now - ago
    story.host.task("t", by_digest("org/x:1", "x"), state="preparing", desired=desired, since=since)
    gates = story.plan().gates
    assert [gate.name for gate in gates] == (["deploying"] if shut else [])
    assert [gate.until for gate in gates] == ([pytest.approx(since + CONVERGING, abs=1)] if shut else [])


def test_of_what_is_deploying_the_longest_is_waited_for() -> None:
    story = a_story()
    story.host.service("older", by_digest("org/x:1", "x"), running=0, updated=story.now - 5 * HOUR)
    story.host.service("newer", by_digest("org/x:1", "x"), running=0, updated=story.now - HOUR)
    (gate,) = story.plan().gates
    assert gate.until == pytest.approx(story.now + CONVERGING - HOUR, abs=1)
    pull = Download("a pull is in flight", story.now + CONVERGING + 60)
    around = Circumstances(story.now, recorded(90.0), downloads=(pull,), trusted=True)
    (gate,) = decide(story.host.host(), story.ledger, story.policy, around).gates
    assert gate.until == story.now + CONVERGING + 60


@pytest.mark.parametrize("kind", ["service", "task"])
def test_what_does_not_say_since_when_counts_from_now(kind: str) -> None:
    story = a_story()
    if kind == "service":
        story.host.service("web", by_digest("org/x:1", "x"), running=0)
        del story.host.services[-1]["UpdatedAt"]
    else:
        story.host.task("t", by_digest("org/x:1", "x"), state="preparing")
        del story.host.tasks[-1]["Status"]["Timestamp"]
    (gate,) = story.plan().gates
    assert gate.until == pytest.approx(story.now + CONVERGING)


def test_of_two_timed_leases_the_later_is_waited_for() -> None:
    story = a_story()
    leases = (Lease("1", "one", story.now, story.now + 60), Lease("2", "two", story.now, story.now + 600))
    assert story.plan(leases=leases).gates[0].until == story.now + 600


def test_the_reason_of_a_gate_is_all_that_closes_it() -> None:
    story = a_story()
    now, disk = story.now, (FileSystem("/a", 10.0, 20.0), FileSystem("/b", 30.0, 5.0))
    leases = (Lease("1", "one", now, now + 60), Lease("2", "two", now - 60))
    around = Circumstances(now, disk, leases, unreadable=("policy: broken", "leases: gone"), trusted=True)
    gates = {
        gate.name: gate.reason for gate in decide(story.host.host(), story.ledger, story.policy, around).gates
    }
    disk_said = "/a at 10.0 % (inodes 20.0 %), /b at 30.0 % (inodes 5.0 %)"
    assert gates == {
        "unreadable": "policy: broken; leases: gone",
        "no-pressure": f"{disk_said}: below 80 %, the high watermark",
        "lease": f"held by one since {show(now)} until {show(now + 60)}, two since {show(now - 60)}",
    }
    story.ledger.sweep_since = now
    (_, pressure, _) = decide(story.host.host(), story.ledger, story.policy, around).gates
    assert pressure.reason == f"{disk_said}: below 70 %, the low watermark, where the unfinished sweep ends"


def test_the_reason_of_a_deploy_names_every_service_task_and_download() -> None:
    story = a_story()
    image = by_digest("org/x:1", "x")
    story.host.service("api", image, state="paused", updated=story.now)
    story.host.service("db", image, replicas=3, running=1, updated=story.now)
    story.host.service("web", image, running=0, updated=story.now)
    for slot, state in enumerate(("starting", "assigned", "preparing")):
        story.host.task(f"w{slot}", image, service="service-web", slot=slot + 1, state=state, since=story.now)
    around = Circumstances(story.now, recorded(90.0), downloads=(PULL,), trusted=True)
    (gate,) = decide(story.host.host(), story.ledger, story.policy, around).gates
    assert gate.reason.split("; ") == [
        "api: its update is paused",
        "db: 1 of 3 tasks",
        "web: 0 of 3 tasks as its spec says, others assigned, preparing, starting",
        f"task task-w2 is preparing {image}",
        "a pull is in flight",
    ]


@pytest.mark.parametrize(("past", "shut"), [(0, True), (1, False)])
def test_six_hours_are_over_when_they_have_passed(past: float, shut: bool) -> None:
    story = a_story()
    story.host.service("web", by_digest("org/x:1", "x"), running=0)
    updated = datetime.fromtimestamp(story.now - CONVERGING - past, UTC)
    story.host.services[-1]["UpdatedAt"] = updated.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(story.plan()) == (["deploying"] if shut else [])


def test_a_disk_that_was_not_measured_is_no_reason_to_stay_closed_or_to_delete() -> None:
    story = a_story()
    around = Circumstances(story.now, (), unreadable=("disk: cannot be measured",), trusted=True)
    assert names(decide(story.host.host(), story.ledger, story.policy, around)) == ["unreadable"]


def test_circumstances_of_which_no_more_than_the_moment_is_said() -> None:
    assert Circumstances(1.0) == Circumstances(1.0, (), (), (), (), trusted=False)
