"""Each row of docs/retention.md, on both stores, survivors named beside victims."""

import pytest

from ccci_host.agent.clock import show
from ccci_host.agent.decide import HELD, IDLE, ORPHANED, ROWS, SUPERSEDED, decide
from ccci_host.agent.gates import Circumstances, Lease
from ccci_host.agent.host import CLASSIC
from ccci_host.agent.policy import Policy
from ccci_host.agent.pressure import recorded
from tests.unit.agent.hosts import DAY, HOUR, STORES, Story, by_digest, digest_of

pytestmark = pytest.mark.parametrize("store", STORES)

LONG = 100 * DAY
"""Longer than any age of the default policy."""


def an_idle(store: str) -> Story:
    """A host with one image that was last used long ago, and would go if nothing held it."""
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    story.look(after=LONG)
    assert story.victims() == ["app"]
    return story


def test_uninspectable(store: str) -> None:
    story = an_idle(store)
    story.host.images[0].inspectable = False
    assert story.row("app") == "uninspectable"
    plan = story.plan()
    assert not plan.victims
    assert not plan.gates, "one image that cannot be inspected does not stop retention"
    assert any(story.host.id("app") in said for said in plan.unreadable), "but it is reported"


@pytest.mark.parametrize("running", [True, False])
def test_container(store: str, running: bool) -> None:
    story = an_idle(store)
    story.host.container("one-off", "app", running=running)
    assert story.row("app") == "container"


def test_service(store: str) -> None:
    story = an_idle(store)
    story.host.service("web", by_digest("org/app:1", "app"))
    assert story.row("app") == "service"


def test_a_service_scaled_to_nothing_holds_its_image(store: str) -> None:
    story = an_idle(store)
    story.host.service("web", by_digest("org/app:1", "app"), replicas=0)
    assert story.row("app") == "service"


def test_rollback(store: str) -> None:
    story = an_idle(store)
    story.host.service("web", by_digest("org/app:2", "another"), previous=by_digest("org/app:1", "app"))
    assert story.row("app") == "rollback"


def test_task(store: str) -> None:
    story = an_idle(store)
    story.host.task("waiting", by_digest("org/app:1", "app"), state="assigned")
    assert story.row("app") == "task"


@pytest.mark.parametrize("state", ["complete", "failed", "shutdown", "rejected", "orphaned", "remove"])
def test_a_task_that_has_ended_holds_nothing(store: str, state: str) -> None:
    story = an_idle(store)
    story.host.task("over", by_digest("org/app:1", "app"), state=state, desired="shutdown")
    assert story.row("app") == "idle"


def test_pinned(store: str) -> None:
    story = an_idle(store)
    story.host.pins = {"images": [["org/app:1", "the recipe app"]]}
    assert story.row("app") == "pinned"


def test_a_recipe_that_does_not_render_pins_its_repositories(store: str) -> None:
    story = an_idle(store)
    story.host.image("other", pulled=("org/other:1",))
    story.look()
    story.look(after=LONG)
    story.host.pins = {
        "repositories": [["org/app", "the recipe app"]],
        "problems": ["the recipe app does not render"],
    }
    assert story.row("app") == "pinned"
    assert story.victims() == ["other"]
    assert "the recipe app does not render" in story.plan().unreadable


@pytest.mark.parametrize(
    "pattern",
    ["org/app", "org/app:1", "org/*", "org/a?p:1", "docker.io/org/app", "*", "org/app:*", digest_of("app")],
)
def test_keep(store: str, pattern: str) -> None:
    story = an_idle(store)
    story.policy = Policy(keep=(pattern,))
    assert story.row("app") == "keep"


@pytest.mark.parametrize(
    "pattern", ["org/apples", "org", "app", "ghcr.io/org/app", "org/app:1/x", digest_of("another")]
)
def test_keep_of_something_else(store: str, pattern: str) -> None:
    story = an_idle(store)
    story.policy = Policy(keep=(pattern,))
    assert story.row("app") == "idle"


def test_keep_by_a_tag_that_is_known_spares_only_the_digest_that_it_meant_last(store: str) -> None:
    story = Story(store, Policy(keep=("org/app:1",)))
    story.host.image("old", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "old"), asked="org/app:1")
    story.look()
    story.host.tear_down()
    story.host.image("new", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "new"), asked="org/app:1", updated=story.now + HOUR)
    story.look(after=2 * HOUR)
    story.host.tear_down()
    story.look(after=LONG)
    assert story.row("new") == "keep"
    assert story.victims() == ["old"]


def test_keep_by_a_tag_that_is_not_known_spares_its_repository(store: str) -> None:
    story = an_idle(store)
    story.policy = Policy(keep=("org/app:edge",))
    assert story.row("app") == "keep"


def test_base(store: str) -> None:
    story = Story(store)
    story.host.image("base", pulled=("debian:12",), layers=("a", "b"))
    story.host.image("app", pulled=("org/app:1",), layers=("a", "b", "c"))
    story.host.image("beside", pulled=("org/beside:1",), layers=("a", "x"))
    story.look()
    story.host.container("one-off", "app")
    story.look(after=LONG)
    assert story.row("base") == "base"
    assert story.row("app") == "container"
    assert story.victims() == ["beside"]


def test_a_base_of_a_base(store: str) -> None:
    story = Story(store)
    for depth in (1, 2, 3, 5):
        story.host.image(
            f"of {depth}", pulled=(f"org/app:{depth}",), layers=("a", "b", "c", "d", "e")[:depth]
        )
    story.host.image("other", pulled=("org/other:1",), layers=("x", "b"))
    story.look()
    story.host.container("one-off", "of 5")
    story.look(after=LONG)
    assert [story.row(f"of {depth}") for depth in (1, 2, 3, 5)] == ["base", "base", "base", "container"]
    assert story.victims() == ["other"]


def test_the_base_of_an_image_that_goes_is_no_base(store: str) -> None:
    story = Story(store)
    story.host.image("base", pulled=("debian:12",), layers=("a", "b"))
    story.host.image("app", pulled=("org/app:1",), layers=("a", "b", "c"))
    story.look()
    story.look(after=LONG)
    assert story.victims() == ["app", "base"], "what lies on top first"


def test_orphaned(store: str) -> None:
    story = Story(store)
    story.host.image("leftover")
    story.look()
    assert story.row("leftover") == "orphaned"
    assert story.victims() == [], "it is young"
    story.look(after=71 * HOUR)
    assert story.victims() == []
    story.look(after=2 * HOUR)
    assert story.victims() == ["leftover"]


def test_a_leftover_with_a_child_is_no_orphan(store: str) -> None:
    story = Story("classic")  # the other store knows no parents
    assert store in STORES
    story.host.image("step", layers=("a",))
    story.host.image("built", tags=("app:dev",), layers=("a", "b"), parent="step", built=True)
    story.look()
    story.look(after=LONG)
    assert story.row("step") == "base"
    story.host.images[1].layers = ("x",)
    assert story.row("step") == "unknown origin"
    assert story.victims() == []


def moved_by_a_deploy(store: str) -> Story:
    """A tag that was deployed, moved upstream, and deployed again; all torn down since."""
    story = Story(store)
    story.host.image("old", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "old"), asked="org/app:1")
    story.look()
    story.host.tear_down()
    story.look(after=HOUR)
    story.host.image("new", pulled=("org/app:1",))
    story.host.service("web2", by_digest("org/app:1", "new"), asked="org/app:1", updated=story.now + 60)
    story.look(after=HOUR)
    story.host.tear_down()
    story.look(after=HOUR)
    return story


def test_superseded(store: str) -> None:
    story = moved_by_a_deploy(store)
    assert story.row("old") == "superseded"
    assert story.row("new") == "cached"
    assert story.victims() == [], "it is young"
    story.look(after=72 * HOUR)
    assert story.victims() == ["old"]
    assert story.survivors() == {"new"}


def test_superseded_by_an_update_in_place(store: str) -> None:
    story = Story(store)
    old, new = by_digest("org/app:1", "old"), by_digest("org/app:1", "new")
    story.host.image("old", pulled=("org/app:1",))
    story.host.service("web", old, asked="org/app:1")
    story.look()
    story.host.image("new", pulled=("org/app:1",))
    story.host.tear_down()
    story.host.service("web", new, asked="org/app:1", previous=old, updated=story.now + 60)
    story.host.container("web.1.shut-down", "old", of_swarm=True)
    story.look(after=HOUR)
    assert story.row("old") == "container"
    story.host.containers = []
    assert story.row("old") == "rollback"
    story.look(after=LONG)
    assert story.victims() == [], "it is what the service would roll back to"
    story.host.tear_down()
    assert story.row("old") == "superseded"
    story.look(after=73 * HOUR)
    assert story.victims() == ["old"]


def test_a_rollback_asks_for_nothing(store: str) -> None:
    story = Story(store)
    old, new = by_digest("org/app:1", "old"), by_digest("org/app:1", "new")
    story.host.image("old", pulled=("org/app:1",))
    story.host.service("web", old, asked="org/app:1")
    story.look()
    story.host.image("new", pulled=("org/app:1",))
    story.host.tear_down()
    story.host.service("web", new, asked="org/app:1", previous=old, updated=story.now + 60)
    story.look(after=HOUR)
    story.host.tear_down()
    story.host.service("web", old, asked="org/app:1", updated=story.now + 60, state="rollback_completed")
    story.look(after=HOUR)
    story.host.tear_down()
    story.look(after=4 * DAY)
    assert story.row("new") == "cached", "the tag was not moved away from it"
    assert story.row("old") == "cached", "it was deployed again"


def test_an_old_digest_that_is_deployed_again_is_superseded_no_more(store: str) -> None:
    story = moved_by_a_deploy(store)
    story.host.service("again", by_digest("org/app:1", "old"), asked=by_digest("org/app:1", "old"))
    story.look(after=HOUR)
    story.host.tear_down()
    story.look(after=4 * DAY)
    assert story.row("old") == "cached"
    assert story.row("new") == "cached"


def test_two_recipes_that_pin_different_digests_of_one_tag_supersede_nothing(store: str) -> None:
    story = Story(store)
    for name in ("one", "two"):
        pinned = by_digest("org/app:1", name)
        story.host.image(name, pulled=("org/app:1",))
        story.host.service(name, pinned, asked=pinned)
        story.look(after=HOUR)
        story.host.tear_down()
        story.look(after=HOUR)
    story.look(after=4 * DAY)
    assert story.row("one") == "cached"
    assert story.row("two") == "cached"


def test_superseded_by_a_pull_by_tag(store: str) -> None:
    story = Story(store)
    story.host.image("old", tags=("org/app:1",))
    story.host.event("image", "pull", "org/app:1", story.now - 60)
    story.look()
    story.host.images[0].tags = ()
    story.host.images[0].pulled = ("org/app:1",)
    story.host.image("new", tags=("org/app:1",))
    story.host.event("image", "pull", "org/app:1", story.now + 60)
    story.look(after=HOUR)
    story.look(after=4 * DAY)
    assert story.victims() == ["old"]
    assert story.row("new") == "cached"


def test_another_tag_that_still_means_it_spares_it(store: str) -> None:
    story = moved_by_a_deploy(store)
    story.host.images[0].pulled = ("org/app:1", "org/app:stable")
    story.host.event("image", "pull", by_digest("org/app:stable", "old"), story.now + 1)
    story.look(after=1)
    story.look(after=4 * DAY)
    assert story.row("old") == "cached"


def test_unknown_origin(store: str) -> None:
    story = Story(store)
    story.host.image("built", tags=("mine:dev",), built=True)
    story.look()
    story.look(after=LONG)
    assert story.row("built") == "unknown origin"
    assert "1000 bytes" in story.plan().kept[0].reason


def test_an_adopted_image_is_of_known_origin(store: str) -> None:
    story = Story(store)
    story.host.image("built", tags=("mine:dev",), built=True)
    story.look()
    story.ledger.images[story.host.id("built")].origin = "adopted by the operator"
    story.look(after=LONG)
    assert story.row("built") == "idle"


def test_a_pull_that_was_seen_shows_the_origin(store: str) -> None:
    story = Story(store)
    story.host.image("app", tags=("org/app:1",))
    story.host.event("image", "pull", "org/app:1", story.now - 60)
    story.look()
    story.look(after=LONG)
    assert story.row("app") == "idle"


def test_what_was_built_over_a_pulled_tag_is_of_unknown_origin(store: str) -> None:
    """`docker pull app || true; docker build --cache-from app -t app .`: between two looks."""
    story = Story(store)
    story.host.event("image", "pull", "org/app:1", story.now - 60)
    story.host.image("built", tags=("org/app:1",), built=True, created=story.now - 30)
    story.look()
    story.look(after=LONG)
    assert story.row("built") == "unknown origin"


def test_what_was_built_here_is_not_superseded_by_a_deploy_of_what_was_published_under_its_tag(
    store: str,
) -> None:
    """It may be the only copy, and the tag in the store still means it."""
    story = Story(store)
    story.host.image("built", tags=("org/app:1",), built=True)
    story.look()
    story.host.image("published", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "published"), asked="org/app:1", updated=story.now + 60)
    story.look(after=HOUR)
    story.host.tear_down()
    story.look(after=4 * DAY)
    assert story.row("built") == "unknown origin"
    story.ledger.images[story.host.id("built")].origin = "adopted by the operator"
    assert story.row("built") == "superseded"
    assert story.victims() == ["built"]


def test_a_build_that_says_it_is_old_is_known_by_having_no_digest(store: str) -> None:
    """A reproducible build dates itself as it likes. Only the classic store tells it from a pull."""
    story = Story(store)
    story.host.event("image", "pull", "org/app:1", story.now - 60)
    story.host.image("built", tags=("org/app:1",), built=True)
    story.look()
    story.look(after=LONG)
    assert story.row("built") == ("unknown origin" if store == CLASSIC else "idle")


def test_a_service_whose_label_is_old_moves_no_tag(store: str) -> None:
    """`docker service update --image` leaves the label of the stack as it was."""
    story = Story(store)
    story.host.image("one", pulled=("org/app:1",))
    story.host.image("two", pulled=("org/app:2",))
    story.look()
    story.host.service("web", by_digest("org/app:2", "two"), asked="org/app:1", updated=story.now + 60)
    story.look(after=HOUR)
    story.look(after=4 * DAY)
    assert story.row("one") == "cached"


def test_idle(store: str) -> None:
    story = Story(store)
    story.host.image("first", pulled=("org/first:1",))
    story.look()
    story.host.image("second", pulled=("org/second:1",))
    story.look(after=DAY)
    story.look(after=29.5 * DAY)
    assert story.row("first") == "idle"
    assert story.row("second") == "cached"
    assert story.victims() == ["first"]
    story.look(after=DAY)
    assert story.victims() == ["first", "second"], "least recently used first"


def test_idle_never(store: str) -> None:
    story = an_idle(store)
    story.policy = Policy(idle_after=None)
    assert story.row("app") == "cached"
    assert story.plan().kept[0].until is None


def test_cached(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "app"), asked="org/app:1")
    story.look()
    story.host.tear_down()
    story.look(after=10 * DAY)
    assert story.row("app") == "cached"
    assert story.victims() == [], "a torn-down recipe's image, whatever Docker calls it"
    until = story.plan().kept[0].until
    assert until == pytest.approx(story.now + 20 * DAY)


def test_the_age_of_the_build_is_no_age(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))  # `Created` says 2020
    story.look()
    assert story.row("app") == "cached"


def test_the_order_of_victims(store: str) -> None:
    story = moved_by_a_deploy(store)
    story.host.image("leftover")
    story.host.image("aged", pulled=("org/aged:1",))
    story.look()
    story.host.container("one-off", "new", running=True)
    story.look(after=LONG)
    assert story.victims() == ["leftover", "old", "aged"]


def test_the_classes(store: str) -> None:
    del store
    assert (HELD, ORPHANED, SUPERSEDED, IDLE) == ("held", "orphaned", "superseded", "idle")
    classes = {name: row.kind for name, row in ROWS.items()}
    assert classes == {
        **dict.fromkeys(
            ("uninspectable", "container", "service", "rollback", "task", "pinned", "keep", "base"), HELD
        ),
        "orphaned": ORPHANED,
        "superseded": SUPERSEDED,
        **dict.fromkeys(("unknown origin", "idle", "cached"), IDLE),
    }


def test_a_young_image_says_until_when_and_an_old_one_does_not(store: str) -> None:
    story = Story(store)
    story.host.image("leftover")
    story.look()
    (young,) = story.plan().kept
    assert young.until == pytest.approx(story.now + 72 * HOUR)
    used, until = show(story.now), show(story.now + 72 * HOUR)
    assert young.reason == f"orphaned: no name, last used {used}, 0 s ago; young until {until}"
    story.look(after=73 * HOUR)
    (old,) = story.plan().victims
    assert old.until is None
    assert "young" not in old.reason


def test_a_candidate_behind_gates_says_which_and_until_when_the_last_opens(store: str) -> None:
    story = an_idle(store)
    story.host.service("web", by_digest("org/x:1", "x"), running=0, updated=story.now - HOUR)
    lease = Lease("1", "a run", story.now, story.now + 60)
    plan = story.plan(leases=(lease,))
    (kept,) = plan.kept
    assert kept.goes is False
    assert kept.reason.startswith("idle: last used")
    assert kept.reason.endswith("; may go, but for the gate lease, deploying")
    assert kept.until == pytest.approx(story.now + 5 * HOUR, abs=1)
    assert plan.candidates == 1
    story.disk = 10.0
    (kept,) = story.plan(leases=(lease,)).kept
    assert kept.until is None, "nobody knows when the disk is short again"


def test_all_that_cannot_be_read_is_told(store: str) -> None:
    story = an_idle(store)
    story.host.images[0].inspectable = False
    around = Circumstances(story.now, recorded(90.0), unreadable=("policy: broken",), trusted=True)
    told = decide(story.host.host(), story.ledger, story.policy, around).unreadable
    assert told[0] == "policy: broken"
    assert story.host.id("app") in told[1]


def test_an_image_that_was_never_looked_at_counts_as_used_now(store: str) -> None:
    story = an_idle(store)
    story.host.image("new", pulled=("org/new:1",))
    story.host.image("made")
    assert story.victims() == ["app"]
    assert story.row("new") == "cached"
    assert story.row("made") == "orphaned"


@pytest.mark.parametrize("age", [-1, 0, 1])
def test_an_age_is_reached_when_it_has_passed(store: str, age: float) -> None:
    story = Story(store, Policy(young=100.0, idle_after=1000.0))
    story.host.image("app", pulled=("org/app:1",))
    story.host.image("leftover")
    story.look()
    story.now += 1000 + age
    assert story.row("app") == ("idle" if age > 0 else "cached")
    story.now += -1000 + 100 - 2 * age
    assert (story.victims() == ["leftover"]) is (age <= 0)


def test_what_shares_layers_with_itself_alone_is_no_base(store: str) -> None:
    story = Story(store)
    story.host.image("one", pulled=("org/one:1",), layers=("a", "b"))
    story.host.image("two", pulled=("org/two:1",), layers=("a", "b"))
    story.host.image("bare", pulled=("org/bare:1",), layers=())
    story.look()
    story.look(after=LONG)
    story.host.container("one-off", "one")
    assert story.row("one") == "container"
    assert story.row("two") == "base", "all its layers are those of the other"
    assert story.victims() == ["bare"]
    story.host.containers = []
    assert set(story.victims()) == {"one", "two", "bare"}


def test_the_base_of_a_young_image_stays(store: str) -> None:
    story = Story(store)
    story.host.image("base", pulled=("debian:12",), layers=("a",))
    story.look()
    story.look(after=LONG)
    story.host.image("leftover", layers=("a", "b"))
    assert story.row("base") == "base"
    assert "its layers are in" in next(kept for kept in story.plan().kept if kept.row == "base").reason


def test_young_counts_from_the_last_use(store: str) -> None:
    story = Story(store)
    story.host.image("leftover")
    story.look()
    story.host.container("one-off", "leftover")
    story.look(after=LONG)
    story.host.containers = []
    story.look(after=71 * HOUR)
    assert story.victims() == []
    story.look(after=2 * HOUR)
    assert story.victims() == ["leftover"]


def test_every_tag_has_to_have_moved(store: str) -> None:
    story = Story(store)
    story.host.image("old", pulled=("org/app:a", "org/app:b", "org/app:c"))
    for tag in ("a", "b", "c"):
        story.host.event("image", "pull", by_digest(f"org/app:{tag}", "old"), story.now - 60)
    story.look()
    moved = []
    for number, tag in enumerate(("b", "a", "c")):
        story.host.image(f"new{number}", pulled=(f"org/app:{tag}",))
        new = by_digest(f"org/app:{tag}", f"new{number}")
        story.host.service(f"web{number}", new, asked=f"org/app:{tag}", updated=story.now + 60)
        story.look(after=HOUR)
        moved.append(story.row("old"))
    assert moved == ["cached", "cached", "superseded"]


def test_the_reason_says_when_it_was_last_used(store: str) -> None:
    story = an_idle(store)
    (idle,) = story.plan().victims
    assert idle.reason == f"idle: last used {show(story.now - LONG)}, 100 d ago"


def test_what_a_root_holds_is_told_by_that_row_though_it_is_a_base(store: str) -> None:
    story = an_idle(store)
    story.host.image("above", pulled=("org/above:1",), layers=("layer of app", "more"))
    assert story.row("app") == "base", "the one above is young"
    story.host.container("one-off", "app")
    assert story.row("app") == "container"


def test_a_plan_as_json(store: str) -> None:
    story = an_idle(store)
    story.host.image("broken", pulled=("org/broken:1",), inspectable=False)
    (victim,), (kept,) = story.plan().victims, story.plan().kept
    problem = "there is no inspect answer"
    candidate = {
        "id": story.host.id("app"),
        "refs": list(victim.image.refs),
        "class": "idle",
        "reason": f"idle: last used {show(story.now - LONG)}, 100 d ago",
    }
    broken = {
        "id": story.host.id("broken"),
        "refs": list(kept.image.refs),
        "class": "held",
        "reason": f"uninspectable: {problem}",
        "until": None,
    }
    said = [f"image {story.host.id('broken')}: {problem}"]
    assert story.plan().to_json() == {
        "victims": [candidate],
        "kept": [broken],
        "gates": {},
        "unreadable": said,
    }
    until = story.now + 60
    shut = story.plan(leases=(Lease("1", "a run", story.now, until),)).to_json()
    behind = {
        **candidate,
        "reason": f"{candidate['reason']}; may go, but for the gate lease",
        "until": until,
    }
    assert sorted(shut.pop("kept"), key=lambda kept: kept["class"]) == [broken, behind]
    reason = f"held by a run since {show(story.now)} until {show(until)}"
    assert shut == {
        "victims": [],
        "gates": {"lease": {"reason": reason, "until": until}},
        "unreadable": said,
    }


def test_what_stays_is_told_in_the_order_of_ids(store: str) -> None:
    story = Story(store)
    for number in range(8):
        story.host.image(f"app {number}", pulled=(f"org/app{number}:1",))
    story.look()
    story.look(after=LONG)
    for number in range(0, 8, 2):
        story.host.container(f"c{number}", f"app {number}")
    kept = story.plan(leases=(Lease("1", "a run", story.now),)).kept
    ids = [ruling.image.id for ruling in kept]
    assert ids == sorted(story.host.id(image.name) for image in story.host.images)
    assert {ruling.goes for ruling in kept} == {False}


def test_the_reason_of_what_was_superseded_names_its_tags_and_when_the_last_moved(store: str) -> None:
    story = Story(store)
    tags = ("org/app:1", "org/app:stable")
    story.look()
    story.now += DAY
    story.host.image("old", pulled=tags)
    for tag in tags:
        story.host.service(tag, by_digest(tag, "old"), asked=tag)
    story.look()
    used = story.now
    story.host.tear_down()
    story.look(after=HOUR)
    story.host.image("new", pulled=tags)
    for wait, tag in ((120, tags[0]), (60, tags[1])):
        story.host.service(f"next {tag}", by_digest(tag, "new"), asked=tag, updated=story.now + wait)
    moved = story.now + 120
    story.look(after=HOUR)
    story.host.tear_down()
    story.look(after=80 * HOUR)
    (victim,) = story.plan().victims
    named = "docker.io/org/app:1, docker.io/org/app:stable"
    assert victim.reason == f"superseded: {named} moved on {show(moved)}, last used {show(used)}, 3 d ago"


def test_the_reasons_of_what_nothing_holds(store: str) -> None:
    story = Story(store, Policy(keep=("org/kept",)))
    story.look()
    story.now += DAY
    story.host.image("kept", pulled=("org/kept:1",))
    story.host.image("above", pulled=("org/kept:2",), layers=("a", "b"))
    story.host.image("below", pulled=("org/below:1",), layers=("a",))
    story.host.image("leftover")
    story.host.image("built", tags=("mine:dev",), built=True, size=7)
    story.host.image("cached", pulled=("org/cached:1",))
    story.look()
    used = f"last used {show(story.now)}, 4 d ago"
    story.look(after=4 * DAY)
    names = {story.host.id(image.name): image.name for image in story.host.images}
    plan = story.plan()
    assert {names[ruling.image.id]: ruling.reason for ruling in (*plan.victims, *plan.kept)} == {
        "kept": "keep: pattern org/kept",
        "above": "keep: pattern org/kept",
        "below": f"base: its layers are in {story.host.id('above')}",
        "leftover": f"orphaned: no name, {used}",
        "built": f"unknown origin: may have been made here; 7 bytes, {used}",
        "cached": f"cached: {used}",
    }


def test_an_image_first_seen_as_its_tag_moved_is_not_superseded(store: str) -> None:
    story = Story(store)
    story.host.image("old", pulled=("org/app:1",))
    story.host.image("new", tags=("org/app:1",))
    story.host.event("image", "pull", "org/app:1", story.now - 60)
    story.look()
    story.look(after=4 * DAY)
    assert story.row("old") == "cached", "nothing shows that the move came after its use"


def test_a_superseded_image_that_came_back_since_the_last_look_counts_as_used_now(store: str) -> None:
    story = moved_by_a_deploy(store)
    story.look(after=80 * HOUR)
    assert story.victims() == ["old"]
    story.host.remove("old")
    story.look(after=HOUR)
    story.host.image("old", pulled=("org/app:1",))
    assert story.row("old") == "cached"
    assert story.victims() == []


def test_an_image_of_which_the_ledger_knows_its_tag_alone_counts_as_used_now(store: str) -> None:
    story = moved_by_a_deploy(store)
    story.look(after=80 * HOUR)
    assert story.victims() == ["old"]
    del story.ledger.images[story.host.id("old")]
    assert story.row("old") == "cached"


def test_a_day_at_most_passes_between_a_look_and_a_decision_unless_the_moment_is_trusted(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    later, disk = story.now + LONG, recorded(90.0)
    ages = {
        trusted: decide(
            story.host.host(), story.ledger, story.policy, Circumstances(later, disk, trusted=trusted)
        )
        for trusted in (True, False)
    }
    assert [ruling.row for ruling in ages[True].victims] == ["idle"]
    (kept,) = ages[False].kept
    assert kept.reason == f"cached: last used {show(later - DAY)}, 24 h ago"
