"""What downloads weigh, and what an interface carried beyond what it hears anyway."""

from typing import Any

import pytest

from ccci_host.checks.weights import above_noise, lightest_loss, recipe_weight
from ccci_host.records import History, InterfaceSeen, ManifestsSeen, NoiseSeen
from tests.histories import changed, good, manifests, without

HISTORY = good("verify-pc3")


def first(**changes: Any) -> Any:
    """The first image's manifest changed."""

    def change(seen: ManifestsSeen) -> ManifestsSeen:
        image, *others = seen.images
        return seen.model_copy(update={"images": (image.model_copy(update=changes), *others)})

    return change


def test_an_image_weighs_what_no_other_one_holds_and_the_recipe_each_layer_once() -> None:
    assert lightest_loss(HISTORY, 1) == 5_000_000
    assert recipe_weight(HISTORY, 1) == 15_000_000


def test_an_image_that_is_part_of_the_others_weighs_nothing() -> None:
    base = manifests().images[0].layers[:1]
    assert lightest_loss(changed(HISTORY, ManifestsSeen, first(layers=base)), 1) == 8_000_000


def test_an_image_by_two_names_weighs_what_both_hold_together() -> None:
    def twice(seen: ManifestsSeen) -> ManifestsSeen:
        image, *others = seen.images
        again = image.model_copy(update={"reference": "ghcr.io/ccci/app:1.0", "digest": "sha256:again"})
        return seen.model_copy(update={"images": (image, again, *others)})

    assert lightest_loss(changed(HISTORY, ManifestsSeen, twice), 1) == 5_000_000


@pytest.mark.parametrize(
    "unknown",
    [
        without(HISTORY, ManifestsSeen),
        changed(HISTORY, ManifestsSeen, {"problem": "no answer"}),
        changed(HISTORY, ManifestsSeen, {"images": ()}),
        changed(HISTORY, ManifestsSeen, first(problem="gone")),
        changed(HISTORY, ManifestsSeen, first(layers=())),
    ],
    ids=["nobody asked", "no answer", "no image", "an image that is gone", "an image without layers"],
)
def test_one_unknown_manifest_leaves_every_weight_unknown(unknown: History) -> None:
    assert lightest_loss(unknown, 1) is None


def test_nothing_known_weighs_nothing() -> None:
    assert recipe_weight(without(HISTORY, ManifestsSeen), 1) == 0


def test_manifests_are_those_of_the_cycle_or_the_last_before_it() -> None:
    history = changed(good("verify-pc3", cycles=3), ManifestsSeen, {"images": ()}, cycle=3)
    assert lightest_loss(history, 2) == 5_000_000
    assert lightest_loss(history, 3) is None
    assert lightest_loss(without(history, ManifestsSeen, cycle=3), 3) == 5_000_000


def carried(bytes_: int | None, seconds: float = 5.0, **changes: Any) -> InterfaceSeen:
    return InterfaceSeen(phase="redeploy", bytes=bytes_, seconds=seconds, **changes)


@pytest.mark.parametrize(
    ("seen", "above"),
    [
        (carried(60_000), 55_000.0),
        (carried(60_000, 10.0), 50_000.0),
        (carried(5_000), 0.0),
        (carried(1), 0.0),
        (carried(0), None),
        (carried(-5), None),
        (carried(None), None),
        (carried(60_000, problem="it was reset"), None),
    ],
)
def test_noise_is_taken_off_for_as_long_as_was_counted(seen: InterfaceSeen, above: float | None) -> None:
    """It is 1 kB/s."""
    assert above_noise(HISTORY, seen) == above


@pytest.mark.parametrize(
    "unmeasured",
    [
        without(HISTORY, NoiseSeen),
        changed(HISTORY, NoiseSeen, {"problem": "it was reset"}),
        changed(HISTORY, NoiseSeen, {"bytes": None}),
        changed(HISTORY, NoiseSeen, {"seconds": 0.0}),
    ],
)
def test_without_a_noise_floor_nothing_is_known(unmeasured: History) -> None:
    assert above_noise(unmeasured, carried(60_000)) is None


def test_a_second_of_noise_is_enough() -> None:
    assert above_noise(changed(HISTORY, NoiseSeen, {"seconds": 1.0}), carried(60_000)) == 50_000.0
