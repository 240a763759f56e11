"""The canary is the operator's to name, and nobody else's image goes with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import RefusedError
from ccci_host.experiments import Options, canary, eviction
from ccci_host.records import EvictionControl, StoredImage, StoreSeen
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.experiments.fakes import Bench, FakeDeployer, an_app, deployment, store_of

CANARY = "docker.io/library/hello-world:linux"
OLD, NEW = "sha256:old", "sha256:new"


def image(identity: str, *references: str) -> StoredImage:
    return StoredImage(id=identity, references=references, layers=(f"{identity}-layer",), size=1)


def host(*, by_tag: str | None, at_registry: str | None = NEW) -> FakeExecutor:
    """A host whose daemon means the image `by_tag` by the tag, and whose registry means another digest."""
    status = 200 if at_registry else 404

    def answer(argv: tuple[str, ...], sent: bytes) -> Completed:
        return completed(
            json.dumps({"manifests": [{"status": status, "digest": at_registry}], "buckets": []})
        )

    inspected = completed(by_tag) if by_tag else completed("No such image", exit_code=1)
    return FakeExecutor({"docker image inspect": inspected, "python3 -I -c": answer})


def found(folder: Path, executor: FakeExecutor, *images: StoredImage) -> list[str]:
    bench = Bench(folder, Options(task="t"), executor)
    store = StoreSeen(moment="torn-down", store="classic", images=images)
    return [one.id for one in canary.images_of(bench.run, CANARY, store)]


def test_it_is_found_by_its_tag_and_by_its_digest_at_the_registry(tmp_path: Path) -> None:
    tagged = image(OLD, "hello-world:linux", f"hello-world@{OLD}")
    by_swarm = image("sha256:id", f"hello-world@{NEW}")
    assert found(tmp_path, host(by_tag=OLD), tagged, by_swarm) == [OLD, "sha256:id"]


def test_one_image_counts_once(tmp_path: Path) -> None:
    names = ("hello-world:linux", f"hello-world@{NEW}", f"hello-world:linux@{NEW}")
    assert found(tmp_path, host(by_tag=NEW), image(NEW, *names)) == [NEW]


@pytest.mark.parametrize("at_registry", [NEW, None])
def test_one_that_is_not_there_is_none(at_registry: str | None, tmp_path: Path) -> None:
    assert found(tmp_path, host(by_tag=None, at_registry=at_registry), image(OLD, "app:1")) == []


@pytest.mark.parametrize(
    "name",
    [
        "hello-world:v1",
        f"hello-world:v1@{NEW}",
        "mine:1",
        "ghcr.io/library/hello-world:linux",
        f"copy@{NEW}",
        "hello-world",
    ],
)
def test_an_image_with_a_neighbours_name_is_left_alone(name: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="has other names, which are somebody's: ") as refused:
        found(tmp_path, host(by_tag=NEW), image(NEW, "hello-world:linux", name))
    assert refused.value.brief.endswith(f": {name}")


def play(
    folder: Path, without_witnesses: Callable[[StoreSeen], None], *images: StoredImage, **changes: Any
) -> EvictionControl:
    """The control of the eviction on a host in use, whose store holds these images."""
    executor = host(by_tag=NEW)
    questions = executor.script["python3 -I -c"]

    def answer(argv: tuple[str, ...], sent: bytes) -> Completed:
        if "references" in json.loads(sent):
            return completed(json.dumps({"removed": json.loads(sent)["references"], "left": {}}))
        assert callable(questions)
        said: Completed = questions(argv, sent)
        return said

    executor.script.update({"python3 -I -c": answer, "docker --config": completed()})
    store = store_of().model_copy(update={"images": images})
    without_witnesses(store)
    bench = Bench(folder, Options(task="t"), executor, canary="ghcr.io/me/canary:1", **changes)
    eviction.control(bench.run, an_app(folder), FakeDeployer(), deployment("app:1"), store)
    [seen] = bench.history.of(EvictionControl)
    return seen


def test_on_a_host_in_use_the_canary_alone_is_evicted(
    tmp_path: Path, without_witnesses: Callable[[StoreSeen], None]
) -> None:
    own = image(NEW, "ghcr.io/me/canary:1")
    seen = play(tmp_path, without_witnesses, own, image(OLD, "app:1"))
    assert (seen.ran, seen.canary, seen.removed) == (True, True, ("ghcr.io/me/canary:1",))


def test_a_canary_with_a_neighbours_name_is_no_control(
    tmp_path: Path, without_witnesses: Callable[[StoreSeen], None]
) -> None:
    seen = play(tmp_path, without_witnesses, image(NEW, "ghcr.io/me/canary:1", "theirs:1"))
    assert (seen.ran, seen.removed) == (False, ())
    assert "theirs:1" in (seen.problem or "")
