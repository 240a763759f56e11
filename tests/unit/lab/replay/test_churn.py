"""The churn makes pressure, brings recipes back, and fits the quota where nothing is lost."""

from pathlib import Path

from ccci_host.lab.replay.campaign import NIGHTS_IDLE
from ccci_host.lab.replay.churn import PLAN, QUOTA, churn, specs, write_recipe
from ccci_host.recipes import make_app

COLD, WARM = 3, 1
"""Manifests that an image of an index costs (DOMAIN: resolution, index, platform)."""


def current(lane: str = "a") -> list[dict[str, str]]:
    """Each night's images: what each reference means then."""
    meanings: dict[str, str] = {}
    nights = []
    for night in churn(lane):
        meanings.update(night.moves)
        asked = [image for run in night.runs for image in run.images]
        nights.append({image: meanings.get(image, image) for image in asked})
    return nights


def test_a_night_without_losses_fits_the_quota() -> None:
    seen: set[tuple[str, str]] = set()
    for images in current():
        cost = sum(WARM if item in seen else COLD for item in images.items())
        seen.update(images.items())
        assert cost <= QUOTA


def test_a_night_with_the_suite_and_all_lost_does_not() -> None:
    full = [images for images in current()[5:] if any("suite" in image for image in images)]
    assert full
    assert all(COLD * len(images) > QUOTA for images in full)


def test_what_is_used_again_is_used_before_it_is_idle() -> None:
    last: dict[tuple[str, str], int] = {}
    for number, images in enumerate(current(), 1):
        for item in images.items():
            if item in last and number > NIGHTS_IDLE + 1:
                assert number - last[item] <= NIGHTS_IDLE + 1, f"{item} comes back in night {number}"
            last[item] = number


def test_a_version_stays_and_its_predecessor_never_returns() -> None:
    notes = [image for images in current() for image in images if image.startswith("replay/notes-1:")]
    assert notes == sorted(notes, key=lambda image: int(image.partition(":")[2]))
    assert len(set(notes)) == 4


def test_a_moving_tag_starts_anew_and_is_the_lanes_own() -> None:
    moves = [move for night in churn("a") for move in night.moves]
    assert [target for _, target in moves] == ["build-1", "build-2", "build-3", "build-4"]
    assert churn("a")[0].moves[0][1] == "build-1", "whatever the campaign before left"
    assert not {reference for reference, _ in moves} & {ref for night in churn("b") for ref, _ in night.moves}


def test_everything_that_runs_is_published() -> None:
    published = {str(spec.reference) for spec in specs("a")}
    moving = {reference for night in churn("a") for reference, _ in night.moves}
    for night in churn("a"):
        for run in night.runs:
            assert {f"docker.io/{image}" for image in run.images if image not in moving} <= published
        for reference, target in night.moves:
            assert f"docker.io/{reference.partition(':')[0]}:{target}" in published
    assert len(churn("a", 3)) == 3
    assert len(churn("a")) == len(PLAN)


def test_a_recipe_is_rendered_with_its_own_time_limit(tmp_path: Path) -> None:
    run = churn("a")[0].runs[0]
    app = make_app(write_recipe(run, tmp_path))
    text = (tmp_path / run.recipe / "compose.yml").read_text()
    assert all(f"image: {image}\n" in text for image in run.images)
    assert app.stack == f"ccci-{run.recipe}_test"
