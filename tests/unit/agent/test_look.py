"""What a look teaches the ledger."""

import pytest

from ccci_host.agent import ledger as ledgers
from ccci_host.agent.host import read
from ccci_host.agent.ledger import Ledger
from ccci_host.agent.look import look, uses
from ccci_host.agent.problem import UnreadableError
from tests.unit.agent.hosts import DAY, HOUR, START, STORES, FakeHost, Story, by_digest, digest_of

pytestmark = pytest.mark.parametrize("store", STORES)


def test_a_day_at_most_passes_between_two_looks(store: str) -> None:
    host = FakeHost(store)
    host.image("app", pulled=("org/app:1",))
    first = look(Ledger(), host.host(), START)
    second = look(first, host.host(), START + 35 * DAY)
    assert second.clock - first.clock == DAY
    trusted = look(first, host.host(), START + 35 * DAY, trusted=True)
    assert trusted.clock - first.clock == 35 * DAY


def test_a_step_backward_is_no_time(store: str) -> None:
    host = FakeHost(store)
    host.image("app", pulled=("org/app:1",))
    first = look(Ledger(), host.host(), START)
    back = look(first, host.host(), START - 300 * DAY)
    assert back.clock == first.clock
    again = look(back, host.host(), START - 300 * DAY + HOUR)
    assert again.clock - back.clock == HOUR


def test_half_a_look_is_none(store: str) -> None:
    host = FakeHost(store)
    snapshot = host.snapshot()
    del snapshot.answers["services"]
    with pytest.raises(UnreadableError, match="services"):
        look(Ledger(), read(snapshot), START)


def test_a_look_leaves_the_ledger_that_it_was_given(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    before = ledgers.dump(story.ledger)
    look(story.ledger, story.host.host(), START)
    assert ledgers.dump(story.ledger) == before


def test_what_a_root_holds_is_used(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "app"))
    story.look()
    story.look(after=40 * DAY)
    story.host.tear_down()
    story.look(after=29 * DAY)
    assert story.row("app") == "cached"
    story.look(after=2 * DAY)
    assert story.row("app") == "idle"


@pytest.mark.parametrize("action", ["create", "start", "die", "destroy"])
def test_a_container_between_two_looks_is_use(store: str, action: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    story.look(after=29 * DAY)
    story.host.event("container", action, "c1", story.now + HOUR, image=by_digest("org/app:1", "app"))
    story.look(after=2 * HOUR)
    story.look(after=2 * DAY)
    assert story.row("app") == "cached"


def test_a_container_known_by_an_id_is_use(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    for name in (story.host.id("app"), story.host.id("app")[7:19]):
        story.look(after=29 * DAY)
        story.host.event("container", "create", f"c-{name}", story.now + HOUR, image=name)
        story.look(after=2 * HOUR)
        story.look(after=2 * DAY)
        assert story.row("app") == "cached", name


def test_a_pull_between_two_looks_is_use(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    story.look(after=29 * DAY)
    story.host.event("image", "pull", by_digest("org/app:1", "app"), story.now + HOUR)
    story.look(after=2 * HOUR)
    story.look(after=2 * DAY)
    assert story.row("app") == "cached"


def test_an_event_counts_once_however_often_it_is_read(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.host.event("container", "start", "c1", START - HOUR, image=by_digest("org/app:1", "app"))
    events = list(story.host.events)
    story.look()
    for _ in range(4):
        story.host.events = list(events)
        story.look(after=10 * DAY)
    assert story.row("app") == "idle"


def test_a_gap_counts_as_use_of_everything(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    story.look(after=29 * DAY)
    story.host.events.append({"Type": "watch", "Action": "gap", "time": story.now + HOUR})
    story.look(after=2 * HOUR)
    story.look(after=2 * DAY)
    assert story.row("app") == "cached"


def test_being_the_bottom_of_a_new_image_is_use(store: str) -> None:
    story = Story(store)
    story.host.image("base", pulled=("debian:12",), layers=("a", "b"))
    story.look()
    story.look(after=29 * DAY)
    story.host.image("app", pulled=("org/app:1",), layers=("a", "b", "c"))
    story.look(after=HOUR)
    story.host.remove("app")
    story.look(after=2 * DAY)
    assert story.row("base") == "cached"


def test_a_service_that_came_and_went_between_two_looks_moves_its_tag(store: str) -> None:
    story = Story(store)
    story.host.image("old", pulled=("org/app:1",))
    story.host.event("image", "pull", by_digest("org/app:1", "old"), START - 60)
    story.look()
    story.host.image("new", pulled=("org/app:1",))
    service = {
        "ID": "gone",
        "UpdatedAt": "2025-06-15T15:30:00Z",
        "Spec": {
            "Name": "web",
            "Labels": {"com.docker.stack.image": "org/app:1"},
            "TaskTemplate": {"ContainerSpec": {"Image": by_digest("org/app:1", "new")}},
        },
    }
    story.host.event("service", "create", "gone", story.now + 60)
    story.host.events[-1]["Service"] = service
    story.look(after=HOUR)
    story.look(after=4 * DAY)
    assert story.row("old") == "superseded"
    assert story.row("new") == "cached"


def test_two_services_of_one_tag_ask_in_the_order_in_which_they_were_deployed(store: str) -> None:
    story = Story(store)
    for name in ("one", "two"):
        story.host.image(name, pulled=("org/app:1",))
    story.look()
    story.host.service("b", by_digest("org/app:1", "one"), asked="org/app:1", updated=story.now + 2 * HOUR)
    story.host.service("a", by_digest("org/app:1", "two"), asked="org/app:1", updated=story.now + HOUR)
    story.look(after=3 * HOUR)
    assert story.ledger.meanings("docker.io/org/app:1") == {digest_of("one")}


def test_a_service_that_merely_still_runs_asks_no_second_time(store: str) -> None:
    story = Story(store)
    story.host.image("old", pulled=("org/app:1",))
    story.host.service("a", by_digest("org/app:1", "old"), asked="org/app:1")
    story.look()
    story.host.image("new", pulled=("org/app:1",))
    story.host.service("b", by_digest("org/app:1", "new"), asked="org/app:1", updated=story.now + 60)
    story.look(after=HOUR)
    story.look(after=HOUR)
    story.host.tear_down()
    story.look(after=4 * DAY)
    assert story.row("new") == "cached", "the older service did not move the tag back"
    assert story.row("old") == "cached", "it was in use after the tag moved"


def test_an_image_that_left_and_came_back_is_new(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    story.look(after=100 * DAY)
    story.host.remove("app")
    story.look(after=HOUR)
    assert not story.ledger.images
    story.host.image("app", pulled=("org/app:1",))
    story.look(after=HOUR)
    assert story.row("app") == "cached"


def test_a_decision_from_events_alone_can_only_spare(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.look()
    before = ledgers.dump(story.ledger)
    story.host.event("container", "start", "c1", story.now + HOUR, image=by_digest("org/app:1", "app"))
    after = uses(story.ledger, story.host.host(), story.now + 2 * HOUR, trusted=True)
    assert ledgers.dump(story.ledger) == before
    assert after.images[story.host.id("app")].used == pytest.approx(HOUR)
    assert after.tags == story.ledger.tags
    assert after.clock == story.ledger.clock


def test_a_lost_or_corrupt_ledger_counts_everything_as_used_now(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.host.image("leftover")
    story.look()
    story.look(after=100 * DAY)
    assert story.victims() == ["leftover", "app"]
    whole = ledgers.dump(story.ledger)
    for content in (b"", whole[: len(whole) // 2], b"[]", b'{"version": 99}', b"\0" * 100):
        story.ledger = ledgers.parse(content)
        assert story.ledger.fresh
        assert story.victims() == []
        story.look()
        assert story.victims() == []


def test_a_ledger_survives_its_file(store: str) -> None:
    story = Story(store)
    story.host.image("app", pulled=("org/app:1",))
    story.host.service("web", by_digest("org/app:1", "app"), asked="org/app:1")
    story.look()
    story.ledger.sweep_since = START
    assert ledgers.parse(ledgers.dump(story.ledger)) == story.ledger
    assert ledgers.parse(ledgers.dump(story.ledger) + b" " * 1000) == story.ledger


def test_of_a_tag_that_moves_for_ever_the_ledger_remembers_what_is_here(store: str) -> None:
    story = Story(store)
    for number in range(20):
        story.host.image(f"app {number}", tags=("org/app:1",))
        story.host.event("image", "pull", "org/app:1", story.now + HOUR)
        story.look(after=HOUR)
        story.host.remove(f"app {number - 1}")
        story.host.images[0].tags, story.host.images[0].pulled = (), ("org/app:1",)
    assert len(story.ledger.tags["docker.io/org/app:1"]) <= 3
