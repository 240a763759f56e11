"""What holds for every host, however it came to be.

`CCCI_EXAMPLES` says how many hosts each property is tried on; all together they are thousands.
"""

import copy
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccci_host.agent import ledger as ledgers
from ccci_host.agent.decide import Plan, decide
from ccci_host.agent.gates import Circumstances
from ccci_host.agent.host import read
from ccci_host.agent.ledger import Ledger
from ccci_host.agent.look import look
from ccci_host.agent.policy import Policy
from ccci_host.agent.pressure import recorded
from ccci_host.agent.snapshot import LISTINGS
from tests.unit.agent.hosts import DAY, HOUR, START, STORES, FakeHost, by_digest

many = settings(
    max_examples=int(os.environ.get("CCCI_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

NAMES = [f"i{number}" for number in range(6)]
REPOSITORIES = ["org/app", "org/db", "debian", "ghcr.io/coop/tool"]
TAGS = ["1", "2", "edge"]

references = st.builds("{}:{}".format, st.sampled_from(REPOSITORIES), st.sampled_from(TAGS))
layers = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(tuple)

images = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "reference": references,
        "how": st.sampled_from(["pulled by digest", "pulled by tag", "built", "no name"]),
        "layers": layers,
    }
)
roots = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["container", "service", "previous", "task", "pin", "asking", "bare"]),
        "image": st.sampled_from(NAMES),
    }
)
arrivals = st.tuples(st.just("image"), images)
ages = st.tuples(st.just("look"), st.sampled_from([4 * DAY, 31 * DAY, 31 * DAY]))
happenings = st.one_of(
    arrivals,
    st.tuples(st.just("root"), roots),
    st.tuples(st.just("tear down"), st.none()),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("look"), st.sampled_from([60.0, HOUR, 20 * HOUR, 3 * DAY, 12 * DAY, 31 * DAY])),
    st.tuples(st.just("event"), st.sampled_from(NAMES)),
)
steps = st.builds(
    lambda *parts: [step for part in parts for step in part],
    st.lists(arrivals, min_size=2, max_size=5),
    st.lists(happenings, max_size=20),
    st.lists(ages, max_size=2),
)
"""Some images, what happens to them, and often a time in which nothing does: many have something to go."""

policies = st.builds(
    Policy,
    keep=st.sampled_from([(), (), ("debian",), ("org/*:edge",), ("org/db:2",)]),
    idle_after=st.sampled_from([30 * DAY, 5 * DAY, None]),
)


class World:
    """A host that went through `steps`, in the rendering of one store, and the ledger of its looks."""

    def __init__(self, store: str, story: list[tuple[str, Any]]) -> None:
        self.host = FakeHost(store)
        self.ledger = Ledger()
        self.now = START
        self.known: dict[str, str] = {}
        self.undigested: set[str] = set()
        self.number = 0
        for kind, value in story:
            getattr(self, kind.replace(" ", "_"))(value)
        self.look(60.0)

    def image(self, value: dict[str, Any]) -> None:
        name, reference, how = value["name"], value["reference"], value["how"]
        if any(image.name == name for image in self.host.images):
            return
        if not how.startswith("pulled") and name in self.known.keys() - self.undigested:
            return  # what is made here has content of its own, never that of a digest which was pulled
        self.known[name] = reference
        if how == "built":
            self.undigested.add(name)
        if how == "pulled by digest":
            self.host.image(name, pulled=(reference,), layers=value["layers"])
            self.pull(by_digest(reference, name))
        elif how == "pulled by tag":
            for other in self.host.images:
                other.tags = tuple(tag for tag in other.tags if tag != reference)
            self.host.image(name, tags=(reference,), pulled=(reference,), layers=value["layers"])
            self.pull(reference)
        elif how == "built":
            for other in self.host.images:
                other.tags = tuple(tag for tag in other.tags if tag != reference)
            self.host.image(name, tags=(reference,), layers=value["layers"], built=True)
        else:
            self.known.pop(name)
            self.host.image(name, layers=value["layers"])

    def pull(self, what: str) -> None:
        self.now += 1
        self.host.event("image", "pull", what, self.now)
        self.look(1.0)

    def root(self, value: dict[str, Any]) -> None:
        if value["image"] in self.undigested and value["kind"] not in ("container", "bare"):
            return  # the classic store knows no digest of what was built here
        add_root(self.host, value, self.known, self.now, self.next())

    def tear_down(self, _: None) -> None:
        self.host.tear_down()
        self.host.pins = None

    def remove(self, name: str) -> None:
        if not self.holds(name):
            self.host.remove(name)

    def event(self, name: str) -> None:
        if any(image.name == name for image in self.host.images):
            self.host.event("container", "start", f"c{self.next()}", self.now, image=self.host.id(name))

    def look(self, after: float) -> None:
        self.now += after
        self.ledger = look(self.ledger, self.host.host(), self.now, trusted=True)
        self.host.events = []

    def holds(self, name: str) -> bool:
        named = self.known.get(name, "")
        return any(name in str(root) or (named and named in str(root)) for root in self.all_roots())

    def all_roots(self) -> Iterator[Any]:
        yield from (*self.host.containers, *self.host.services, *self.host.tasks)

    def next(self) -> int:
        self.number += 1
        return self.number

    def plan(self, policy: Policy, disk: float = 95.0) -> Plan:
        around = Circumstances(self.now, recorded(disk), trusted=True)
        return decide(self.host.host(), self.ledger, policy, around)

    def names(self, plan: Plan) -> list[str]:
        names = {self.host.id(image.name): image.name for image in self.host.images}
        return [names[ruling.image.id] for ruling in plan.victims]


def add_root(host: FakeHost, value: dict[str, Any], known: dict[str, str], now: float, number: int) -> None:
    """A root of the kind that `value` says, on an image that the host has or has not."""
    name = value["image"]
    reference = known.get(name)
    here = any(image.name == name for image in host.images)
    if value["kind"] == "container" or reference is None:
        if here:
            host.container(f"c{number}", name)
        return
    digest = by_digest(reference, name)
    old = now - 7 * HOUR
    if value["kind"] == "service":
        host.service(f"s{number}", digest, asked=digest, updated=old)
    elif value["kind"] == "bare":
        host.service(f"s{number}", reference, asked=reference, updated=old)
    elif value["kind"] == "asking":
        host.service(f"s{number}", digest, asked=reference, updated=old)
    elif value["kind"] == "previous":
        other = by_digest("org/other:9", "elsewhere")
        host.service(f"s{number}", other, previous=digest, updated=old)
    elif value["kind"] == "task":
        host.task(f"t{number}", digest, service=f"x{number}")
    else:
        pins = host.pins or {"images": []}
        pins["images"].append([digest, f"recipe {number}"])
        host.pins = pins


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies)
@many
def test_nothing_that_a_root_holds_is_a_victim(store: str, story: Any, policy: Policy) -> None:
    world = World(store, story)
    victims = set(world.names(world.plan(policy)))
    tags = {image.name: set(image.tags) for image in world.host.images}
    asked = {raw["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] for raw in world.host.services}
    for name in victims:
        assert not tags[name] & asked, "a service that names it by a tag alone"
        assert not any(container["ImageID"] == world.host.id(name) for container in world.host.containers)
        specs = str((world.host.services, world.host.tasks, world.host.pins))
        assert by_digest("", name) not in specs


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies)
@many
def test_nothing_young_is_a_victim(store: str, story: Any, policy: Policy) -> None:
    world = World(store, story)
    clock = world.ledger.clock_at(world.now, trusted=True)
    for ruling in world.plan(policy).victims:
        entry = world.ledger.images[ruling.image.id]
        assert clock - max(entry.first, entry.used) >= policy.young


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies, reference=references)
@many
def test_what_was_made_here_is_no_victim_though_its_tag_is_deployed_with_another_digest(
    store: str, story: Any, policy: Policy, reference: str
) -> None:
    image = {"reference": reference, "layers": ("made",)}
    story = [
        *story,
        ("image", {**image, "name": "made", "how": "built"}),
        ("look", HOUR),
        ("image", {**image, "name": "published", "layers": ("published",), "how": "pulled by digest"}),
        ("root", {"kind": "asking", "image": "published"}),
        ("look", HOUR),
        ("tear down", None),
        ("look", 31 * DAY),
    ]
    world = World(store, story)
    assert "made" not in world.names(world.plan(policy))


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies, listing=st.sampled_from([*LISTINGS, "image_inspect"]))
@many
def test_an_unreadable_listing_yields_no_victim(store: str, story: Any, policy: Policy, listing: str) -> None:
    world = World(store, story)
    snapshot = world.host.snapshot()
    snapshot.answers.pop(listing)
    around = Circumstances(world.now, recorded(95.0), trusted=True)
    assert not decide(read(snapshot), world.ledger, policy, around).victims


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies, cut=st.floats(min_value=0, max_value=0.999))
@many
def test_a_lost_ledger_or_policy_yields_no_victim(store: str, story: Any, policy: Policy, cut: float) -> None:
    world = World(store, story)
    content = ledgers.dump(world.ledger)
    world.ledger = ledgers.parse(content[: int((len(content) - 1) * cut)])
    assert world.ledger.fresh
    assert not world.plan(policy).victims
    around = Circumstances(world.now, recorded(95.0), unreadable=("policy: broken",), trusted=True)
    assert not decide(world.host.host(), world.ledger, policy, around).victims


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies, root=roots)
@many
def test_a_further_root_never_adds_a_victim(
    store: str, story: Any, policy: Policy, root: dict[str, Any]
) -> None:
    world = World(store, story)
    before = set(world.names(world.plan(policy)))
    add_root(world.host, root, world.known, world.now, 1000)
    assert set(world.names(world.plan(policy))) <= before


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies, disk=st.floats(min_value=0, max_value=79.99))
@many
def test_below_the_watermark_nothing_goes(store: str, story: Any, policy: Policy, disk: float) -> None:
    assert not World(store, story).plan(policy, disk).victims


@pytest.mark.parametrize("store", STORES)
@given(story=steps, policy=policies, seed=st.integers())
@many
def test_the_order_of_listings_does_not_matter(store: str, story: Any, policy: Policy, seed: int) -> None:
    world = World(store, story)
    shuffled = copy.deepcopy(world.host)
    mix = random.Random(seed).shuffle
    for listing in (shuffled.images, shuffled.containers, shuffled.services, shuffled.tasks):
        mix(listing)
    for image in shuffled.images:
        image.tags = tuple(random.Random(seed).sample(image.tags, len(image.tags)))
    around = Circumstances(world.now, recorded(95.0), trusted=True)
    decided = decide(shuffled.host(), world.ledger, policy, around)
    assert decided.to_json() == world.plan(policy).to_json()
    looked = look(world.ledger, shuffled.host(), world.now + 60, trusted=True)
    straight = look(world.ledger, world.host.host(), world.now + 60, trusted=True)
    assert ledgers.parse(ledgers.dump(looked)) == ledgers.parse(ledgers.dump(straight))


@given(story=steps, policy=policies)
@many
def test_both_stores_give_the_same_fate(story: Any, policy: Policy) -> None:
    worlds = [World(store, story) for store in STORES]
    fates = []
    for world in worlds:
        names = {world.host.id(image.name): image.name for image in world.host.images}
        plan = world.plan(policy)
        fates.append(
            {names[ruling.image.id]: (ruling.row, ruling.goes) for ruling in (*plan.victims, *plan.kept)}
        )
    assert fates[0] == fates[1]
