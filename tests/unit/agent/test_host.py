"""A host as it is read from raw answers."""

from ccci_host.agent.host import Image, read
from tests.unit.agent.hosts import FakeHost, by_digest


def test_a_reference_that_is_listed_twice_is_one() -> None:
    reference = by_digest("org/app", "app")
    image = Image("sha256:" + 64 * "0", (reference,), (reference,))
    assert image.refs == (reference,)
    assert len(image.named) == 1


def test_an_image_that_is_listed_once_per_name_is_one() -> None:
    host = FakeHost("containerd")
    host.image("app", tags=("org/app:1", "org/b:1"), pulled=("org/app:1",))
    snapshot = host.snapshot()
    (listed,) = snapshot.answers["images"]
    snapshot.answers["images"] = [{**listed, "RepoTags": [name]} for name in listed["RepoTags"]]
    (image,) = read(snapshot).images
    assert set(image.tags) == set(listed["RepoTags"])
    assert image.layers == ("layer of app",)
