"""Which images a text means, and what is said of what holds them."""

import pytest

from ccci_host.agent.host import Host, Image
from ccci_host.agent.ledger import Ledger, Mark
from ccci_host.agent.policy import Policy
from ccci_host.agent.roots import Index
from tests.unit.agent.hosts import DAY, STORES, Story, by_digest, config_of, digest_of

pytestmark = pytest.mark.parametrize("store", STORES)

PORT = "registry.example:5000/org/app"
"""A repository whose name has a colon."""


def a_story(store: str, *references: str) -> Story:
    """Images called by their references, by which they were pulled, that nothing has used for long."""
    story = Story(store)
    for reference in references:
        story.host.image(reference, pulled=(reference,))
        story.host.event("image", "pull", by_digest(reference, reference), story.now - 60)
    story.look()
    story.look(after=100 * DAY)
    assert story.survivors() == set()
    return story


def kept_by(story: Story, *patterns: str) -> set[str]:
    """The images that stay under a policy with these `keep` patterns."""
    story.policy = Policy(keep=patterns)
    return story.survivors()


def holders(story: Story) -> dict[str, str]:
    """Images that stay, by what these tests call them, and the reasons."""
    names = {story.host.id(image.name): image.name for image in story.host.images}
    return {names[ruling.image.id]: ruling.reason for ruling in story.plan().kept}


def test_every_root_says_who_holds_what(store: str) -> None:
    story = a_story(
        store, *(f"org/{name}:1" for name in ("run", "exited", "web", "old", "job", "pin", "kin"))
    )
    story.host.container("one", "org/run:1", running=True)
    story.host.container("two", "org/exited:1")
    story.host.service(
        "app", by_digest("org/web:1", "org/web:1"), previous=by_digest("org/old:1", "org/old:1")
    )
    story.host.task("t", by_digest("org/job:1", "org/job:1"), state="assigned")
    story.host.pins = {
        "images": [["org/pin:1", "the recipe a"]],
        "repositories": [["org/kin", "the recipe b"]],
    }
    assert holders(story) == {
        "org/run:1": "container: one, running",
        "org/exited:1": "container: two, stopped",
        "org/web:1": "service: app",
        "org/old:1": "rollback: app would roll back to it",
        "org/job:1": "task: task-t, assigned",
        "org/pin:1": "pinned: by the recipe a",
        "org/kin:1": "pinned: its repository, by the recipe b, which does not render",
    }


@pytest.mark.parametrize("running", [True, False])
def test_an_image_that_a_container_mounts_is_held_by_it(store: str, running: bool) -> None:
    story = a_story(store, "org/app:1", "org/data:1", "org/other:1")
    story.host.container("one", "org/app:1", running=running)
    story.host.containers[-1]["Mounts"] = [
        {"Type": "volume", "Name": "org/other:1", "Source": "/var/lib/docker/volumes/x/_data"},
        {
            "Type": "image",
            "Name": by_digest("org/data:1", "org/data:1"),
            "Source": "/var/lib/docker/rootfs/overlayfs/3f2c",
            "Destination": "/data",
            "Mode": "",
            "RW": False,
            "Propagation": "",
        },
    ]
    state = "running" if running else "stopped"
    assert holders(story) == {
        "org/app:1": f"container: one, {state}",
        "org/data:1": f"container: one mounts it, {state}",
    }


def test_an_image_that_a_service_mounts_is_held_by_it(store: str) -> None:
    story = a_story(store, "org/data:1", "org/other:1")
    story.host.service("app", by_digest("org/x:1", "x"))
    spec = story.host.services[-1]["Spec"]["TaskTemplate"]["ContainerSpec"]
    spec["Mounts"] = [{"Type": "image", "Source": by_digest("org/data:1", "org/data:1")}]
    assert holders(story) == {"org/data:1": "service: app"}


def test_what_holds_an_image_first_is_named(store: str) -> None:
    story = a_story(store, "org/app:1")
    story.host.container("one", "org/app:1")
    story.host.container("two", "org/app:1")
    story.host.service("app", by_digest("org/app:1", "org/app:1"))
    assert holders(story) == {"org/app:1": "container: one, stopped"}


def test_a_container_whose_image_is_not_in_the_store_holds_what_its_name_means(store: str) -> None:
    story = a_story(store, "org/app:1", "org/other:1")
    story.host.container("one", "gone")
    story.host.containers[-1]["Image"] = by_digest("org/app:1", "org/app:1")
    assert story.survivors() == {"org/app:1"}
    for beginning in (story.host.id("org/other:1")[:19], story.host.id("org/other:1")[7:19]):
        story.host.containers[-1]["Image"] = beginning
        assert story.survivors() == {"org/other:1"}, beginning


def test_a_container_holds_the_image_that_it_has_and_not_the_one_that_its_name_means_now(store: str) -> None:
    story = a_story(store, "org/app:1", "org/other:1")
    story.host.container("one", "org/other:1")
    story.host.containers[-1]["Image"] = by_digest("org/app:1", "org/app:1")
    assert story.survivors() == {"org/other:1"}


def test_a_tag_stands_for_the_image_that_has_it_in_the_store_as_well(store: str) -> None:
    story = a_story(store, "org/app:1", "org/other:1")
    story.host.image("made here since", tags=("org/app:1",), built=True)
    story.host.pins = {"images": [["org/app:1", "the recipe a"]]}
    assert story.row("org/app:1") == "pinned", "the last look knows this one"
    assert story.row("made here since") == "pinned"
    assert story.victims() == ["org/other:1"]


def test_two_images_of_one_tag_that_nothing_asked_for_are_both_meant(store: str) -> None:
    story = Story(store)
    for name in ("one", "two"):
        story.host.image(name, pulled=("org/app:1",))
        story.host.event("image", "pull", by_digest("org/app:1", name), story.now - 60)
    story.look()
    story.look(after=100 * DAY)
    story.host.pins = {"images": [["org/app:1", "the recipe a"]]}
    assert story.survivors() == {"one", "two"}


@pytest.mark.parametrize("text", [f"{PORT}:1", f"{PORT}:edge"])
def test_a_registry_with_a_port(store: str, text: str) -> None:
    story = a_story(store, f"{PORT}:1", "registry.example:5000/org/other:1", "org/app:1")
    story.host.pins = {"images": [[text, "the recipe a"]]}
    assert story.survivors() == {f"{PORT}:1"}, "a tag that is not known stands for its repository"


@pytest.mark.parametrize(
    "pattern",
    [
        PORT,
        f"{PORT}:1",
        f"{PORT}:1*",
        f"{PORT}:edge",
        "registry.example:5000/*/app",
        "registry.example:5000/*:1",
    ],
)
def test_keep_at_a_registry_with_a_port(store: str, pattern: str) -> None:
    story = a_story(store, f"{PORT}:1", "registry.example/org/app:1", "org/app:1")
    assert kept_by(story, pattern) == {f"{PORT}:1"}


@pytest.mark.parametrize(
    "pattern",
    [
        "debian",
        "library/debian",
        "docker.io/debian",
        "index.docker.io/library/debian",
        "deb*",
        "*/debian",
        "library/*",
        "library/deb*:1?",
        "docker.io/deb*",
        "docker.io/library/*",
        "index.docker.io/deb*",
        "registry-1.docker.io/library/deb*",
    ],
)
def test_keep_by_every_way_to_write_a_repository(store: str, pattern: str) -> None:
    story = a_story(store, "debian:12", "org/app:1", "ghcr.io/library/debian:12")
    other = {"ghcr.io/library/debian:12"} if pattern == "*/debian" else set()
    assert kept_by(story, pattern) == {"debian:12", *other}


def test_keep_an_image_that_is_called_like_a_registry(store: str) -> None:
    story = a_story(store, "registry:2", "debian:12", "org/app:1")
    assert kept_by(story, "registry*") == {"registry:2"}


@pytest.mark.parametrize(
    "pattern", ["org/*", "docker.io/org/*", "index.docker.io/org/*", "*.docker.io/org/a*"]
)
def test_keep_by_every_way_to_write_a_namespace(store: str, pattern: str) -> None:
    story = a_story(store, "debian:12", "org/app:1", "ghcr.io/org/app:1")
    assert kept_by(story, pattern) == {"org/app:1"}


def test_keep_by_a_pattern_of_tags_keeps_every_one_that_fits_and_no_other(store: str) -> None:
    tags = ("org/app:1.0", "org/app:1.1", "org/app:1.2", "org/app:2.0", "org/app:2.1", "org/other:1.0")
    story = a_story(store, *tags)
    assert kept_by(story, "org/app:1.*") == {"org/app:1.0", "org/app:1.1", "org/app:1.2"}
    assert kept_by(story, "org/app:?.0", "org/app:2.[1]") == {"org/app:1.0", "org/app:2.0", "org/app:2.1"}
    assert kept_by(story, "org/app:3*") == set()
    assert kept_by(story, "org/*:1.0") == {"org/app:1.0", "org/other:1.0"}


def test_keep_by_a_pattern_of_tags_at_a_registry_with_a_port(store: str) -> None:
    story = a_story(store, f"{PORT}:1.0", f"{PORT}:2.0")
    assert kept_by(story, f"{PORT}:1*") == {f"{PORT}:1.0"}


def test_keep_by_a_pattern_of_tags_keeps_an_image_whose_tag_nobody_knows(store: str) -> None:
    story = a_story(store, "org/app:1", "org/other:1")
    story.ledger.tags.clear()
    story.host.images[0].tags, story.host.images[0].pulled = (), ()
    story.host.images[0].tags = (by_digest("org/app", "org/app:1"),)
    assert kept_by(story, "org/app:3*") == {"org/app:1"}


def test_the_first_pattern_in_order_is_named(store: str) -> None:
    story = a_story(store, "org/app:1")
    story.policy = Policy(keep=("org/b", "org/app:*", "org/app"))
    assert holders(story) == {"org/app:1": "keep: pattern org/app"}


def test_images_that_share_a_digest_or_a_name_are_all_meant(store: str) -> None:
    del store
    named = (f"{PORT}:1",), (f"{PORT}@{digest_of('shared')}",)
    one, two = (Image(config_of(name), *named) for name in ("one", "two"))
    index = Index(Host(images=(one, two)), Ledger())
    assert index.with_key(digest_of("shared")) == (one.id, two.id)
    assert index.with_tag(f"{PORT}:1") == (one.id, two.id)


def test_an_image_that_lost_its_names_is_of_the_repository_where_a_look_found_it(store: str) -> None:
    del store
    image, other = Image(config_of("app")), Image(config_of("other"))
    known = Ledger(tags={f"{PORT}:1": {image.id: Mark(0.0)}})
    assert Index(Host(images=(image, other)), known).of_repository(PORT) == {image.id}
