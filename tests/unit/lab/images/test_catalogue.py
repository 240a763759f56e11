import pytest

from ccci_host.lab.images import rootfs
from ccci_host.lab.images.catalogue import CANARY, RATE_LIMIT_PREVIEW, TWELVE, catalogue, stand_in

ALWAYS_THERE = {
    f"{spec.reference.registry}/{spec.reference.repository}:{tag}"
    for spec in catalogue()
    for tag in (spec.reference.tag, *spec.aliases)
}


def test_no_two_images_have_one_name() -> None:
    names = [
        (spec.reference.repository, tag)
        for spec in catalogue()
        for tag in (spec.reference.tag, *spec.aliases)
    ]
    assert len(names) == len(set(names))


def test_the_proof_finds_its_images() -> None:
    for reference in (CANARY, RATE_LIMIT_PREVIEW):
        assert f"docker.io/{reference}" in ALWAYS_THERE
    assert len(TWELVE) == 12


def test_every_form_is_there_and_all_are_old() -> None:
    assert {spec.form for spec in catalogue()} == {"oci-index", "docker-list", "docker-single"}
    assert all(spec.created < "2023" for spec in catalogue())


def test_the_whole_catalogue_is_tens_of_megabytes() -> None:
    layers = {layer for spec in catalogue() for layer in spec.layers}
    assert 20_000_000 < sum(layer.size for layer in layers) < 90_000_000


def test_a_stand_in_takes_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "busybox", lambda: b"what the lab installs")
    spec = stand_in("ghcr.io/org/app:1", programs=("gunicorn",))
    assert str(spec.reference) == "ghcr.io/org/app:1"
    assert spec.role == "stand-in"
    assert spec.key != stand_in("ghcr.io/org/app:1").key
