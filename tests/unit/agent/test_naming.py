"""Which images a person means by a name, and what is only guessed."""

import pytest

from ccci_host.agent.host import CLASSIC
from ccci_host.agent.naming import Found, find, only
from tests.unit.agent.hosts import DAY, STORES, FakeHost, Story, by_digest, digest_of

pytestmark = pytest.mark.parametrize("store", STORES)


def a_story(store: str, *references: str) -> Story:
    """Images called by their references, pulled by digest as swarm pulls, of which no look was taken yet."""
    story = Story(store)
    for reference in references:
        story.host.image(reference, pulled=(reference,))
    return story


def found(story: Story, text: str) -> Found:
    return find(text, story.host.host(), story.ledger)


def meant(story: Story, text: str) -> set[str]:
    """The images that `text` means, as these tests call them."""
    names = {story.host.id(image.name): image.name for image in story.host.images}
    return {names[identity] for identity in found(story, text).images}


def nameless(host: FakeHost, name: str) -> None:
    """An image of which the store knows a digest, and no tag."""
    if host.store == CLASSIC:
        host.image(name, pulled=(name,))
    else:
        host.image(name, tags=(by_digest(name.rpartition(":")[0], name),))


def test_an_image_by_its_id_or_its_digest(store: str) -> None:
    story = a_story(store, "nginx:1.25", "org/app:1")
    identity = story.host.id("nginx:1.25")
    digest = digest_of("nginx:1.25")
    for text in (identity, identity[7:], identity[:19], identity[7:19], f"nginx@{digest}", digest):
        assert meant(story, text) == {"nginx:1.25"}, text
    for text in (f"nginx:1.25@{digest}", f"docker.io/library/nginx@{digest}"):
        assert found(story, text) == Found(frozenset([identity])), text
    assert meant(story, digest_of("another")) == set()


@pytest.mark.parametrize("text", ["nginx:1.25", "library/nginx:1.25", "docker.io/library/nginx:1.25"])
@pytest.mark.parametrize("where", ["service", "previous", "task", "container", "pin"])
def test_a_tag_that_only_what_runs_names(store: str, text: str, where: str) -> None:
    story = Story(store)
    for name in ("nginx:1.25", "nginx:1.26"):
        nameless(story.host, name)
    named = by_digest("nginx:1.25", "nginx:1.25")
    if where == "task":
        story.host.task("t", named)
    elif where == "container":
        story.host.container("c", "nginx:1.25")
        story.host.containers[-1]["Image"] = named
    elif where == "pin":
        story.host.pins = {"images": [[named, "the recipe a"]]}
    else:
        other = by_digest("org/app:1", "org/app:1")
        image, previous = (named, "") if where == "service" else (other, named)
        story.host.service("web", image, previous=previous)
    assert found(story, text) == Found(frozenset([story.host.id("nginx:1.25")]))


def test_a_tag_that_the_ledger_remembers(store: str) -> None:
    story = a_story(store, "nginx:1.25", "nginx:1.26")
    for name in ("nginx:1.25", "nginx:1.26"):
        story.host.service(name.partition(":")[2], by_digest(name, name))
    story.look()
    story.host.tear_down()
    assert found(story, "nginx:1.25") == Found(frozenset([story.host.id("nginx:1.25")]))


def test_two_digests_of_a_tag_are_both_meant(store: str) -> None:
    story = Story(store)
    for name in ("old", "new"):
        story.host.image(name, pulled=("nginx:1.25",))
        story.host.service(name, by_digest("nginx:1.25", name), asked="nginx:1.25" if name == "new" else "")
    story.look()
    assert meant(story, "nginx:1.25") == {"old", "new"}


def test_a_tag_that_nobody_knows_may_be_what_has_none(store: str) -> None:
    story = a_story(store, "org/app:1")
    story.host.image("tagged", tags=("nginx:1.24",))
    nameless(story.host, "nginx:1.25")
    story.look()
    guess = found(story, "nginx:1.25")
    assert guess.images == {story.host.id("nginx:1.25")}
    assert guess.note == (
        "nothing here is known to be nginx:1.25; of its repository these have no tag that is known"
    )
    story.host.remove("nginx:1.25")
    assert found(story, "nginx:1.25") == Found(frozenset())


def test_a_name_without_a_tag_is_latest_or_else_the_repository(store: str) -> None:
    story = a_story(store, "org/app:1")
    for tag in ("1.24", "1.25"):
        story.host.image(tag, tags=(f"nginx:{tag}",))
    story.look()
    assert meant(story, "nginx") == {"1.24", "1.25"}
    assert found(story, "nginx").note == (
        "nothing here is known to be nginx:latest; this is all of its repository"
    )
    story.host.image("latest", tags=("nginx:latest",))
    story.look()
    for text in ("nginx", "docker.io/library/nginx", "nginx:latest"):
        assert found(story, text) == Found(frozenset([story.host.id("latest")])), text


@pytest.mark.parametrize("text", ["nginx:1.25", "nginx", "0" * 12, "registry.example:5000/nginx", "<none>"])
def test_a_name_of_nothing(store: str, text: str) -> None:
    story = a_story(store, "org/app:1")
    story.look()
    assert found(story, text) == Found(frozenset())


def test_a_plan_of_some_images_keeps_its_gates(store: str) -> None:
    story = a_story(store, "org/app:1", "org/other:1")
    story.look()
    story.look(after=100 * DAY)
    story.host.service("web", by_digest("org/other:1", "org/other:1"), running=0, updated=story.now)
    whole = story.plan()
    assert [gate.name for gate in whole.gates] == ["deploying"]
    part = only(whole, {story.host.id("org/app:1")})
    assert part.gates == whole.gates
    assert [ruling.image.id for ruling in (*part.victims, *part.kept)] == [story.host.id("org/app:1")]
    story.host.tear_down()
    assert len(only(story.plan(), {story.host.id("org/app:1")}).victims) == 1
