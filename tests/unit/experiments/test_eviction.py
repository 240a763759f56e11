"""The eviction control takes one whole image, knows what must come back, and says when it cannot run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import HostError
from ccci_host.experiments import Options, eviction
from ccci_host.records import Bucket, BucketsSeen, EvictionControl, ManifestsSeen, StoreSeen
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.experiments.fakes import Bench, FakeDeployer, an_app, bucket, deployment, store_of

D, E = "sha256:d", "sha256:e"
RECIPE = deployment(f"app:1@{D}", f"db:1@{E}")


def test_the_image_that_costs_least_to_lose_is_chosen() -> None:
    store = store_of((D, ("base", "x", "y")), (E, ("base", "z")))
    chosen = eviction.choose(RECIPE, store)
    assert chosen is not None
    assert (chosen.reference, chosen.layers, chosen.companions) == (f"db:1@{E}", ("z",), ())


def test_an_image_without_layers_of_its_own_cannot_show_anything() -> None:
    store = store_of((D, ("base",)), (E, ("base", "z")))
    chosen = eviction.choose(RECIPE, store)
    assert chosen is not None
    assert chosen.reference == f"db:1@{E}"
    assert eviction.choose(RECIPE, store_of((D, ("base",)), (E, ("base",)))) is None


def test_an_earlier_build_on_the_same_layers_goes_along() -> None:
    store = store_of(
        (D, ("base", "x")), ("sha256:old", ("base", "x")), (E, ("base", "x", "z")), ("sha256:far", ("base",))
    )
    chosen = eviction.choose(deployment(f"app:1@{D}"), store)
    assert chosen is not None
    assert [one.id for one in chosen.companions] == ["sha256:old", E]
    assert chosen.layers == ("x",)


def test_an_image_of_the_recipe_never_goes_along() -> None:
    chosen = eviction.choose(RECIPE, store_of((D, ("base", "x")), (E, ("base", "x", "z"))))
    assert chosen is not None
    assert (chosen.reference, chosen.companions, chosen.layers) == (f"db:1@{E}", (), ("z",))


def test_a_service_without_a_digest_is_not_chosen() -> None:
    assert eviction.choose(deployment("app:1"), store_of((D, ("x",)))) is None


def removing(answer: dict[str, Any], asked: list[Any]) -> FakeExecutor:
    def run(argv: tuple[str, ...], sent: bytes) -> Completed:
        asked.append(json.loads(sent))
        return completed(json.dumps(answer))

    return FakeExecutor({"python3 -I -c": run})


def test_on_a_disposable_host_the_recipe_is_redeployed_after_it(
    tmp_path: Path, without_witnesses: Callable[[StoreSeen], None]
) -> None:
    store = store_of((D, ("base", "x", "y")), (E, ("base", "z")))
    without_witnesses(store)
    asked: list[Any] = []
    executor = removing({"removed": [f"app@{E}"], "left": {}}, asked)
    bench = Bench(tmp_path, Options(task="t"), executor, disposable=True)
    deployer = FakeDeployer()
    eviction.control(bench.run, an_app(tmp_path), deployer, RECIPE, store)
    assert bench.kinds() == [
        "phase-began evict",
        "eviction-control",
        "store evicted",
        "phase-ended evict done",
        "phase-began control-redeploy",
        "phase-ended control-redeploy done",
        "deployed control-redeploy",
        "store control-redeployed",
    ]
    assert [one["references"] for one in asked] == [[f"app@{E}"]]
    seen = control_of(bench)
    assert (seen.reference, seen.image_id, seen.layers, seen.blobs) == (f"db:1@{E}", E, ("z",), ("z",))
    assert deployer.calls == [("deploy", "ccci-small_test")]


def test_an_image_that_stays_is_an_error_and_a_control_that_says_what_may_be_gone(
    tmp_path: Path, without_witnesses: Callable[[StoreSeen], None]
) -> None:
    store = store_of((D, ("x",)))
    without_witnesses(store)
    executor = removing({"removed": [], "left": {f"app@{D}": "image is being used"}}, [])
    bench = Bench(tmp_path, Options(task="t"), executor, disposable=True)
    with pytest.raises(HostError, match="could not be removed"):
        eviction.control(bench.run, an_app(tmp_path), FakeDeployer(), RECIPE, store)
    seen = control_of(bench)
    assert (seen.ran, seen.removed, seen.removed_ids) == (False, (), (D,))
    assert seen.problem is not None
    assert seen.problem.startswith("it was not removed whole: ")


def test_what_went_along_is_known_by_its_id(
    tmp_path: Path, without_witnesses: Callable[[StoreSeen], None]
) -> None:
    named = store_of((D, ("base", "x")), ("sha256:old", ("base", "x")))
    nameless = named.images[1].model_copy(update={"references": ()})
    store = named.model_copy(update={"images": (named.images[0], nameless)})
    without_witnesses(store)
    executor = removing({"removed": ["…"], "left": {}}, [])
    bench = Bench(tmp_path, Options(task="t"), executor, disposable=True)
    eviction.control(bench.run, an_app(tmp_path), FakeDeployer(), deployment(f"app:1@{D}"), store)
    assert control_of(bench).removed_ids == (D, "sha256:old")


def test_a_canary_is_weighed_before_it_goes(
    tmp_path: Path, without_witnesses: Callable[[StoreSeen], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a registry's log the bytes that come back are the witness outside, and they need a weight."""
    store = store_of((D, ("x",)))
    without_witnesses(store)
    weighed: list[tuple[str, ...]] = []

    def weigh(machine: object, references: tuple[str, ...], *_: object) -> ManifestsSeen:
        weighed.append(references)
        return ManifestsSeen(cycle=0)

    monkeypatch.setattr("ccci_host.witnesses.manifests.look", weigh)
    monkeypatch.setattr(eviction, "images_of", lambda *_: store.images)
    monkeypatch.setattr("ccci_host.witnesses.buckets.BucketsWitness.look", lambda *_: bucket(remaining=100))
    executor = removing({"removed": [f"app@{D}"], "left": {}}, [])
    executor.script["docker --config"] = completed()
    bench = Bench(tmp_path, Options(task="t"), executor, canary="app:1")
    eviction.control(bench.run, an_app(tmp_path), FakeDeployer(), RECIPE, store)
    assert weighed == [(f"app:1@{D}",)]
    assert [seen.of for seen in bench.history.of(ManifestsSeen)] == ["canary"]
    assert control_of(bench).canary
    kinds = bench.kinds()
    assert kinds.index("manifests") < kinds.index("phase-began evict") < kinds.index("eviction-control")


def control_of(bench: Bench) -> EvictionControl:
    [seen] = bench.history.of(EvictionControl)
    return seen


@pytest.mark.parametrize(
    ("store", "tables", "why"),
    [
        (None, {"disposable": True}, "could not be read"),
        (StoreSeen(moment="start", problem="refused"), {"disposable": True}, "could not be read"),
        (store_of((D, ("x",))), {}, "not disposable and its configuration names no canary"),
        (store_of((D, ("b",)), (E, ("b",))), {"disposable": True}, "shares all its layers"),
    ],
)
def test_a_control_that_was_not_run_says_why(
    store: StoreSeen | None, tables: dict[str, Any], why: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, Options(task="t"), **tables)
    eviction.control(bench.run, an_app(tmp_path), FakeDeployer(), RECIPE, store)
    assert not control_of(bench).ran
    assert why in (control_of(bench).problem or "")


@pytest.mark.parametrize(
    ("own", "enough"),
    [
        (Bucket(account="me", remaining=10), True),
        (Bucket(account="me", remaining=9), False),
        (Bucket(account="me", remaining=-3), False),
        (Bucket(account="me", problem="no answer"), False),
        (Bucket(account="me", uncounted=True), True),
    ],
)
def test_a_canary_is_pulled_only_where_quota_is_left_or_not_counted(own: Bucket, enough: bool) -> None:
    quota = BucketsSeen(moment="evicted", buckets=(own, Bucket(account=None, remaining=99)))
    assert eviction.enough(quota) is enough
