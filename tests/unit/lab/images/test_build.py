import json
from collections.abc import Iterator
from typing import Any

import pytest

from ccci_host.lab.hub import parse_reference
from ccci_host.lab.images import rootfs
from ccci_host.lab.images.build import Built, Manifest, build
from ccci_host.lab.images.layers import digest_of
from ccci_host.lab.images.spec import Filler, Form, ImageSpec, Role

BUSYBOX = b"#!not really busybox"


@pytest.fixture(autouse=True)
def busybox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rootfs, "busybox", lambda: BUSYBOX)
    monkeypatch.setattr(rootfs, "applets", lambda: frozenset({"sh", "httpd"}))
    monkeypatch.setattr(rootfs, "native", lambda: "amd64")
    caches = (rootfs.base, rootfs.helpers)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def make(form: Form = "oci-index", role: Role = "server", tag: str = "1.0") -> ImageSpec:
    return ImageSpec(
        reference=parse_reference(f"harbour/guestbook:{tag}"),
        created="2021-03-04T08:00:00+00:00",
        layers=(Filler("runtime", 5000), Filler(f"top-{tag}", 1000)),
        form=form,
        role=role,
    )


def document(manifest: Manifest) -> dict[str, Any]:
    read = json.loads(manifest.content)
    assert isinstance(read, dict)
    return read


def platform(image: Built, number: int = 0) -> dict[str, Any]:
    return document(image.manifests[number] if image.manifests else image.top)


def config(image: Built) -> dict[str, Any]:
    read = json.loads(image.blobs[platform(image)["config"]["digest"]])
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("oci-index", "application/vnd.oci.image.index.v1+json"),
        ("docker-list", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ],
)
def test_an_index_names_both_architectures(form: Form, media_type: str) -> None:
    image = build(make(form))
    index = document(image.top)
    assert (image.top.media_type, index["mediaType"]) == (media_type, media_type)
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    assert [entry["digest"] for entry in index["manifests"]] == [one.digest for one in image.manifests]
    assert [entry["size"] for entry in index["manifests"]] == [len(one.content) for one in image.manifests]


def test_a_single_manifest_has_no_index() -> None:
    image = build(make("docker-single"))
    assert image.manifests == ()
    assert image.top.media_type == "application/vnd.docker.distribution.manifest.v2+json"


@pytest.mark.parametrize("form", ["oci-index", "docker-list", "docker-single"])
def test_every_blob_that_is_named_is_there(form: Form) -> None:
    image = build(make(form))
    for manifest in image.manifests or (image.top,):
        named = document(manifest)
        for descriptor in (named["config"], *named["layers"]):
            content = image.blobs[descriptor["digest"]]
            assert descriptor["size"] == len(content)
            assert descriptor["digest"] == digest_of(content)


def test_the_same_specification_has_the_same_bytes() -> None:
    assert build(make()).top.digest == build(make()).top.digest
    assert build(make()).top.digest != build(make(tag="1.1")).top.digest


def test_two_versions_share_all_layers_but_the_topmost() -> None:
    old, new = (
        [layer["digest"] for layer in platform(build(make(tag=tag)))["layers"]] for tag in ("1.0", "1.1")
    )
    assert old[:-1] == new[:-1]
    assert old[-1] != new[-1]


def test_images_of_different_days_share_their_runtime() -> None:
    other = ImageSpec(parse_reference("webfront:1"), "2019-01-01T00:00:00+00:00", (Filler("runtime", 5000),))
    assert platform(build(other))["layers"][1] == platform(build(make()))["layers"][1]


def test_the_configuration_is_years_old_and_runs_something() -> None:
    image = config(build(make()))
    assert image["created"].startswith("2021-03-04")
    assert image["config"]["Entrypoint"] == ["/usr/local/bin/serve"]
    assert len(image["rootfs"]["diff_ids"]) == 3


def test_a_keeper_has_a_volume_and_a_health_check() -> None:
    image = config(build(make(role="keeper")))
    assert image["config"]["Healthcheck"]["Test"] == ["CMD", "test", "-e", "/tmp/ready"]
    assert image["config"]["Volumes"] == {"/var/lib/data": {}}


def test_a_stand_in_brings_the_programs_that_a_recipe_starts() -> None:
    assert len(platform(build(make(role="stand-in")))["layers"]) == 4


def test_the_key_follows_the_specification_and_busybox(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make().key == make().key != make(tag="1.1").key
    before = make().key
    monkeypatch.setattr(rootfs, "busybox", lambda: b"another")
    assert make().key != before
