"""The account's pulls are asked for before several cycles are begun."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccci_host.errors import RefusedError
from ccci_host.experiments import Options, quota
from ccci_host.records import BucketsSeen, Note
from ccci_host.witnesses.buckets import BucketsWitness
from tests.unit.experiments.fakes import Bench, bucket

TWO = ("harbour/guestbook:1.0", "tidedb:15.3")

Play = Callable[..., Bench]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    def played(seen: BucketsSeen, images: tuple[str, ...], cycles: int) -> Bench:
        monkeypatch.setattr(BucketsWitness, "look", lambda *_: seen)
        bench = Bench(tmp_path, Options(task="t", cycles=cycles))
        quota.make_sure(bench.run, images)
        return bench

    return played


@pytest.mark.parametrize(
    ("images", "cycles", "most"),
    [
        (TWO, 1, 2 * 2 + 2 + 2 * 2 + 10),
        (TWO, 50, 2 * 100 + 2 + 2 * 2 + 10),
        (("app:1", "app:1"), 50, 2 * 100 + 2 + 2 + 10),
        (tuple(f"app{number}:1" for number in range(12)), 6, 12 * 12 + 12 + 2 * 12 + 10),
    ],
)
def test_what_cycles_cost(images: tuple[str, ...], cycles: int, most: int) -> None:
    assert quota.cost(images, cycles) == most


def test_fifty_cycles_do_not_fit_into_two_hundred_pulls(play: Play) -> None:
    with pytest.raises(RefusedError) as refused:
        play(bucket(remaining=200), TWO, 50)
    said = str(refused.value)
    assert "The account me has too few pulls left for 50 cycles." in said
    assert "They take up to 216: " in said
    assert "200 of 200 are left" in said
    assert (
        "There is room for 46 now (--cycles 46). What was spent comes back within the window of 6 h." in said
    )


@pytest.mark.parametrize(("remaining", "cycles"), [(200, 46), (24, 2), (1000, 50)])
def test_what_fits_is_begun(play: Play, remaining: int, cycles: int) -> None:
    assert play(bucket(remaining=remaining), TWO, cycles).kinds() == []


@pytest.mark.parametrize("remaining", [23, 19, 0, -472])
def test_one_pull_too_few_is_too_few(play: Play, remaining: int) -> None:
    with pytest.raises(RefusedError) as refused:
        play(bucket(remaining=remaining, limit=None, window_seconds=None), TWO, 2)
    assert f"{remaining} of an unknown limit are left" in refused.value.details
    room = "room for 1 now (--cycles 1)." if remaining == 23 else "not even room for one now."
    assert refused.value.resolution == f"There is {room} What was spent comes back within the window."


def test_other_registries_cost_the_account_nothing(play: Play) -> None:
    assert play(bucket(remaining=0), ("ghcr.io/lab/app:1", "quay.io/lab/db:1"), 50).kinds() == []


def test_only_services_from_docker_hub_are_counted(play: Play) -> None:
    assert play(bucket(remaining=113), ("ghcr.io/lab/app:1", "docker.io/lab/db:1"), 50).kinds() == []


def test_a_service_from_docker_hub_among_others_is_counted(play: Play) -> None:
    with pytest.raises(RefusedError, match="50 cycles"):
        play(bucket(remaining=100), ("ghcr.io/lab/app:1", "docker.io/lab/db:1"), 50)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (bucket(remaining=None, problem="ratelimit-remaining came as None"), "came as None"),
        (BucketsSeen(moment="start", problem="no python3"), "no python3"),
        (BucketsSeen(moment="start"), "nothing was said of its bucket"),
    ],
)
def test_where_nobody_knows_what_is_left_the_history_says_so(play: Play, seen: BucketsSeen, why: str) -> None:
    [note] = play(seen, TWO, 50).history.of(Note)
    assert note.text.startswith("Nobody knows whether the account has pulls enough for 50 cycles: ")
    assert note.text.endswith(why)
