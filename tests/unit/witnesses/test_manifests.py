"""What a download would weigh, from the content store or by `HEAD` from the registry."""

from typing import Any

import pytest

from ccci_host.records import StoredImage, StoredLayer, StoreKind, StoreSeen
from ccci_host.witnesses import manifests
from ccci_host.witnesses.registries import split_reference
from tests.unit.witnesses.scripted import machine_answering

REFERENCE = "app:1@sha256:d"


def store(kind: StoreKind, *layers: StoredLayer) -> StoreSeen:
    image = StoredImage(id="sha256:i", references=("app@sha256:d",), layers=("k1", "k2", "k1"), size=1)
    return StoreSeen(moment="deployed", store=kind, images=(image,), layers=layers)


def layer(key: str, size: int, *blobs: str) -> StoredLayer:
    return StoredLayer(key=key, size=size, changed_at=0.0, blobs=blobs)


def test_the_containerd_store_has_the_sizes_itself() -> None:
    machine, asked = machine_answering({})
    seen = manifests.look(machine, (REFERENCE,), store("containerd", layer("k1", 10), layer("k2", 5)), 1)
    [image] = seen.images
    assert (image.digest, image.size, image.source, image.problem) == ("sha256:d", 15, "content store", None)
    assert asked == []


def test_the_classic_store_asks_the_registry_for_the_blobs_it_remembers() -> None:
    said: dict[str, Any] = {"sizes": [{"layers": [{"digest": "b1", "size": 9}, {"digest": "b2", "size": 4}]}]}
    machine, asked = machine_answering({"registry": said})
    seen = manifests.look(
        machine, (REFERENCE,), store("classic", layer("k1", 10, "b1", "c1"), layer("k2", 5, "b2")), 1
    )
    assert seen.images[0].size == 13
    [(_, payload)] = asked
    assert payload["sizes"] == [
        {"registry": "docker.io", "repository": "library/app", "digests": [["b1", "c1"], ["b2"]]}
    ]


def test_a_layer_that_nobody_weighs_is_a_problem_and_not_nothing() -> None:
    machine, _ = machine_answering({"registry": {"sizes": [{"layers": [{"digest": "b1", "size": 9}, None]}]}})
    seen = manifests.look(machine, (REFERENCE,), store("classic", layer("k1", 10, "b1")), 1)
    assert seen.images[0].problem == "the registry does not know all of its layers"
    containerd = manifests.look(machine, (REFERENCE,), store("containerd", layer("k1", 10)), 1)
    assert containerd.images[0].problem == "not all of its layers are in the store"


@pytest.mark.parametrize("kind", ["classic", "containerd"])
def test_an_image_that_is_not_in_the_store_is_a_problem(kind: StoreKind) -> None:
    machine, _ = machine_answering({"registry": {"sizes": []}})
    seen = manifests.look(machine, ("other:1@sha256:e", "bare:1"), store(kind), 1)
    assert [image.problem for image in seen.images] == ["the image is not in the store"] * 2


def test_a_store_that_could_not_be_read_weighs_nothing() -> None:
    machine, _ = machine_answering({})
    blind = StoreSeen(moment="deployed", problem="refused")
    assert "refused" in (manifests.look(machine, (REFERENCE,), blind, 1).problem or "")


@pytest.mark.parametrize("said", [{"problem": "no python"}, {"sizes": [{"problem": "timed out"}]}])
def test_a_registry_that_does_not_answer_is_a_problem(said: dict[str, Any]) -> None:
    machine, _ = machine_answering({"registry": said})
    seen = manifests.look(machine, (REFERENCE,), store("classic", layer("k1", 10, "b1")), 1)
    assert seen.problem == "no python" or seen.images[0].problem == "timed out"


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("docker.io", "library/nginx", "latest")),
        ("nginx:1.25", ("docker.io", "library/nginx", "1.25")),
        ("org/app:1@sha256:d", ("docker.io", "org/app", "sha256:d")),
        ("ghcr.io/org/app:2", ("ghcr.io", "org/app", "2")),
        ("localhost:5000/app", ("localhost:5000", "app", "latest")),
        ("registry:5000/a/b:3", ("registry:5000", "a/b", "3")),
        ("index.docker.io/library/x:1", ("docker.io", "library/x", "1")),
        ("docker.io/nginx@sha256:d", ("docker.io", "library/nginx", "sha256:d")),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(reference: str, parts: tuple[str, str, str]) -> None:
    assert split_reference(reference) == parts
