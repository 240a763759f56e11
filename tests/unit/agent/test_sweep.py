"""The sweep against a daemon that deletes as either store does, and a disk that says what a test wants."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import downloads, leases, pins, pressure, storage
from ccci_host.agent import ledger as ledgers
from ccci_host.agent import sweep as sweeps
from ccci_host.agent.daemon import Daemon, DaemonError
from ccci_host.agent.host import CLASSIC, Host, read
from ccci_host.agent.journal import OPEN, Journal, word
from ccci_host.agent.pressure import FileSystem
from ccci_host.agent.reserve import SIZE
from ccci_host.agent.scene import Places, see
from ccci_host.agent.sightings import UNWRITTEN
from ccci_host.agent.sweep import Outcome, remove, tick
from tests.unit.agent.fake_daemon import FakeDaemon, serving
from tests.unit.agent.hosts import DAY, HOUR, STORES, FakeHost, by_digest, event


class Bench:
    """A daemon, the agent's folders, and a disk."""

    def __init__(self, store: str, folder: Path) -> None:
        self.host = FakeHost(store, root=str(folder / "root"))
        (folder / "root").mkdir()
        self.daemon = FakeDaemon(self.host)
        self.places = Places(
            str(folder / "docker.sock"), str(folder / "policy.json"), folder / "state", folder / "run"
        )
        Path(self.places.policy).write_text('{"young": "1h"}')
        self.places.run.mkdir()
        self.watcher = os.open(self.places.run / "watch.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.watcher, fcntl.LOCK_EX)  # as if a watcher lived
        self.percent = [95.0]
        """The disk at each measurement; the last one stays."""
        self.said: list[str] = []

    def measure(self, host: Host) -> tuple[FileSystem, ...]:
        percent = self.percent.pop(0) if len(self.percent) > 1 else self.percent[0]
        held = self.reserve.stat().st_size if self.reserve.exists() else 0
        return (FileSystem(host.root, percent, 0.0, int(1e9 - percent * 1e7) - held),)

    @property
    def reserve(self) -> Path:
        """On one file system with the store."""
        return self.places.state / "reserve"

    def tick(self) -> Outcome:
        return tick(self.places, Daemon(self.places.socket), self.said.append)

    def observe(self) -> None:
        """A look, without a sweep."""
        before, self.percent = self.percent, [10.0]
        assert self.tick().exit_code == 0
        self.percent = before

    def grow_old(self, seconds: float = 100 * DAY) -> None:
        """Everything in the ledger was seen and used that much longer ago."""
        ledger = self.ledger
        for entry in ledger.images.values():
            entry.first, entry.used, entry.wanted = (
                entry.first - seconds,
                entry.used - seconds,
                entry.wanted - seconds,
            )
        self.places.ledger.write(ledgers.dump(ledger))

    @property
    def ledger(self) -> ledgers.Ledger:
        return ledgers.parse(self.places.ledger.read())

    def names(self) -> set[str]:
        return {image.name for image in self.host.images}


@pytest.fixture(params=STORES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(request.param, tmp_path)
    monkeypatch.setattr(pressure, "measure", made.measure)
    monkeypatch.setattr(sweeps, "measure", made.measure)
    with serving(made.daemon, Path(made.places.socket)):
        yield made
    os.close(made.watcher)


def three_idle(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.host.image(name, pulled=(f"org/{name}:1",))
    bench.host.image("kept", pulled=("org/kept:1",))
    bench.host.container("one-off", "kept")
    bench.observe()
    bench.grow_old()


def test_it_removes_what_may_go_and_says_so(bench: Bench) -> None:
    three_idle(bench)
    bench.percent = [95.0]
    outcome = bench.tick()
    assert bench.names() == {"kept"}
    assert len(outcome.removed) == 3
    deleted = [line for line in bench.said if line.startswith("deleted ")]
    assert len(deleted) == 3
    assert all("class=idle" in line and 'reason="idle: last used' in line for line in deleted)
    assert all(query["noprune"] == ["1"] and "force" not in query for query in bench.daemon.queries)


def test_it_stops_at_the_low_watermark(bench: Bench) -> None:
    three_idle(bench)
    bench.percent = [95.0, 75.0, 75.0, 69.0]
    outcome = bench.tick()
    assert len(outcome.removed) == 2
    assert outcome.exit_code == 0
    assert bench.ledger.sweep_since is None


def test_below_the_high_watermark_it_does_not_begin(bench: Bench) -> None:
    three_idle(bench)
    bench.percent = [79.0]
    outcome = bench.tick()
    assert not outcome.removed
    assert outcome.exit_code == 0
    assert any(line.startswith("closed gate=no-pressure") for line in bench.said)


def test_above_the_high_watermark_it_fails_and_says_since_when(bench: Bench) -> None:
    bench.host.image("kept", pulled=("org/kept:1",))
    bench.host.container("one-off", "kept")
    bench.observe()
    first = bench.tick()
    assert first.exit_code == 1
    since = bench.ledger.above_since
    second = bench.tick()
    assert second.exit_code == 1
    assert bench.ledger.above_since == since
    assert "above the high watermark of 80 % since" in second.failures[0]
    bench.percent = [50.0]
    assert bench.tick().exit_code == 0
    assert bench.ledger.above_since is None


@pytest.mark.parametrize("names", [("org/a:1",), ("org/a:1", "org/a:2"), ("org/a:1", "org/b:1")])
def test_an_image_goes_with_all_its_names(bench: Bench, names: tuple[str, ...]) -> None:
    bench.host.image("many", tags=names, pulled=names)
    bench.host.image("neighbour", tags=("org/a:3",), pulled=("org/a:3",))
    bench.host.container("one-off", "neighbour")
    bench.observe()
    bench.grow_old()
    outcome = bench.tick()
    assert bench.names() == {"neighbour"}
    assert [removed["id"] for removed in outcome.removed] == [bench.host.id("many")]
    (survivor,) = bench.host.images
    assert survivor.tags == survivor.pulled == ("org/a:3",)


def test_a_lease_that_is_asked_for_in_the_middle_is_granted(bench: Bench) -> None:
    three_idle(bench)
    held = bench.places.leases

    def ask(_: str) -> None:
        held.timed.mkdir(parents=True, exist_ok=True)
        record = {"owner": "a run", "since": 0.0, "until": 9e9}
        (held.timed / "abc.json").write_text(json.dumps(record))

    bench.daemon.before_delete = ask
    outcome = bench.tick()
    assert len(outcome.removed) == 1
    assert len(bench.names()) == 3
    assert any(line.startswith("closed gate=lease") and "a run" in line for line in bench.said)
    assert bench.ledger.sweep_since is not None, "the next tick goes on"
    held.release("abc")
    bench.daemon.before_delete = lambda _: None
    bench.percent = [75.0]
    assert len(bench.tick().removed) == 2


@pytest.mark.parametrize("listed", [True, False])
def test_a_bare_flock_closes_the_gate_of_plan_and_sweep_alike(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    three_idle(bench)
    if not listed:
        monkeypatch.setattr(leases, "LOCKS", Path("/nowhere"))  # as in the sweep's unit
    lock = os.open(bench.places.run / "sweep.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_SH)
    planned = see(bench.places, Daemon(bench.places.socket)).plan()
    swept = bench.tick().plan
    os.close(lock)
    assert swept is not None
    assert not bench.daemon.deleted
    why = [gate.reason.partition(" since ")[0] for gate in (*planned.gates, *swept.gates)]
    assert why == ["held by a process that has sweep.lock locked"] * (2 if listed else 1)
    assert len(bench.tick().removed) == 3


def test_a_deploy_that_starts_in_the_middle_closes_the_gate(bench: Bench) -> None:
    three_idle(bench)

    def deploy(_: str) -> None:
        bench.host.service("web", by_digest("org/x:1", "x"), running=0, updated=time.time())

    bench.daemon.before_delete = deploy
    outcome = bench.tick()
    assert len(outcome.removed) == 1
    assert any(line.startswith("closed gate=deploying") for line in bench.said)


def test_an_image_that_comes_into_use_in_the_middle_stays(bench: Bench) -> None:
    three_idle(bench)
    taken: list[str] = []

    def use(_: str) -> None:
        if not taken:
            image = next(image.name for image in bench.host.images if image.name != "kept")
            for name in ("a", "b", "c"):
                if name != image:
                    taken.append(name)
                    bench.host.container(f"late-{name}", name)

    bench.daemon.before_delete = use
    outcome = bench.tick()
    assert bench.names() >= set(taken)
    assert len(outcome.removed) + len(taken) == 3


def test_a_conflict_is_part_of_normal_life(bench: Bench) -> None:
    three_idle(bench)

    def use(reference: str) -> None:
        if "org/b" in reference and not any(c["Names"] == ["/late"] for c in bench.host.containers):
            bench.host.container("late", "b")

    bench.daemon.before_delete = use
    outcome = bench.tick()
    assert bench.names() == {"b", "kept"}
    assert list(outcome.conflicts) == [bench.host.id("b")]
    assert not [failure for failure in outcome.failures if "high watermark" not in failure]


def test_already_gone_is_part_of_normal_life(bench: Bench) -> None:
    three_idle(bench)
    bench.daemon.before_delete = lambda reference: bench.host.remove(reference[4:5])
    outcome = bench.tick()
    assert bench.names() == {"kept"}
    assert not [failure for failure in outcome.failures if "high watermark" not in failure]


def test_a_deletion_that_takes_more_stops_the_sweep_and_fails(bench: Bench) -> None:
    three_idle(bench)
    bench.daemon.greedy = "kept"
    outcome = bench.tick()
    assert outcome.exit_code == 1
    assert any("took more than was meant" in failure for failure in outcome.failures)
    assert bench.host.id("kept") in "".join(outcome.failures)
    assert len(bench.daemon.deleted) == 1


def test_what_went_is_said_also_where_more_was_taken(bench: Bench) -> None:
    names = ("org/a:1", "org/a:2")
    bench.host.image("many", tags=names, pulled=names)
    bench.host.image("kept", pulled=("org/kept:1",))
    bench.host.container("one-off", "kept")
    bench.observe()
    bench.grow_old()
    bench.daemon.greedy = "kept"
    outcome = bench.tick()
    assert not outcome.removed, "it has a name left"
    assert bench.names() == {"many"}
    bench.host.image("neighbour", pulled=("org/n:1",))
    bench.host.container("another", "neighbour")
    bench.daemon.before_delete = lambda reference: bench.host.remove("neighbour" if "@" in reference else "")
    bench.percent = [95.0, 60.0]
    (many,) = [image for image in bench.host.images if image.name == "many"]
    many.tags = ()
    outcome = bench.tick()
    assert bench.names() == set()
    assert [removed["id"] for removed in outcome.removed] == [bench.host.id("many")]
    assert [line.split()[1] for line in bench.said if line.startswith("deleted ")] == [
        f"image={bench.host.id('many')}"
    ]
    assert bench.said[-1].startswith("ended removed=1 ")
    (failure,) = outcome.failures
    assert "took more than was meant" in failure


def build(
    bench: Bench, *, names: tuple[str, ...], listed: bool, loses: bool = False
) -> Callable[[str], None]:
    """A CI builds `ci/app:latest` anew beside the first deletion; the image that had it had `names` too."""
    old = bench.host.image("old build", tags=("ci/app:latest", *names), built=True)

    def move(_: str) -> None:
        if all(image.name != "new build" for image in bench.host.images):
            bench.host.image("new build", tags=("ci/app:latest",), built=True)
            old.tags = () if loses else names
            if not listed:
                bench.host.remove("old build")

    return move


@pytest.mark.parametrize(
    ("names", "listed"), [((), True), ((), False), (("ci/app:1",), True), (("ci/other:latest",), True)]
)
def test_a_name_that_moves_beside_a_deletion_is_not_lost(
    bench: Bench, names: tuple[str, ...], listed: bool
) -> None:
    three_idle(bench)
    move = build(bench, names=names, listed=listed)
    bench.observe()
    bench.daemon.before_delete = move
    outcome = bench.tick()
    assert len(outcome.removed) == 3
    assert bench.names() == {"kept", "new build", *(["old build"] if listed else [])}
    assert not [failure for failure in outcome.failures if "high watermark" not in failure]


@pytest.mark.parametrize(("names", "listed"), [(("ci/other:1",), True), (("ci/other:1",), False)])
def test_what_is_lost_beside_a_name_that_moves_is_lost(
    bench: Bench, names: tuple[str, ...], listed: bool
) -> None:
    three_idle(bench)
    move = build(bench, names=names, listed=listed, loses=True)
    bench.observe()
    bench.daemon.before_delete = move
    outcome = bench.tick()
    assert len(outcome.removed) == 1
    lost = outcome.failures[0].partition("took more than was meant: ")[2]
    assert "ci/other:1" in lost
    if listed:
        assert "ci/app" not in lost


def test_an_image_without_a_name_that_goes_along_is_lost(bench: Bench) -> None:
    three_idle(bench)
    bench.host.image("nameless")
    bench.observe()
    bench.daemon.greedy = "nameless"
    assert f"image {bench.host.id('nameless')} (no name)" in bench.tick().failures[0]


@pytest.mark.parametrize("path", ["/services", "/tasks", "/containers/json", "/images/json", "/info"])
def test_a_listing_that_fails_in_the_daemon(bench: Bench, path: str) -> None:
    three_idle(bench)
    bench.daemon.broken[path] = 500
    outcome = bench.tick()
    assert outcome.exit_code == 1
    assert not bench.daemon.deleted
    assert any("nothing can be decided" in failure for failure in outcome.failures)
    clock = bench.ledger.clock
    bench.daemon.broken = {}
    assert len(bench.tick().removed) == 3
    assert bench.ledger.clock >= clock


def test_a_daemon_that_is_away(bench: Bench, tmp_path: Path) -> None:
    three_idle(bench)
    outcome = tick(bench.places, Daemon(str(tmp_path / "nowhere.sock")), bench.said.append)
    assert outcome.exit_code == 1
    assert not bench.daemon.deleted


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"high_watermark": 60}', '{"idle": 3}', '{"young": "soon"}']
)
def test_a_broken_policy_deletes_nothing_and_fails(bench: Bench, text: str) -> None:
    three_idle(bench)
    Path(bench.places.policy).write_text(text)
    outcome = bench.tick()
    assert outcome.exit_code == 1
    assert not bench.daemon.deleted
    assert any("policy" in failure for failure in outcome.failures)


def test_a_recipe_that_cannot_be_read_deletes_nothing_and_fails(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_idle(bench)
    monkeypatch.setenv("PATH", "/nowhere")
    recipe = tmp_path / "recipes" / "app"
    recipe.mkdir(parents=True)
    (recipe / "compose.yml").write_text("services:\n  app:\n    image: *img\n")
    Path(bench.places.policy).write_text(json.dumps({"young": "1h", "recipe_roots": [str(recipe.parent)]}))
    outcome = bench.tick()
    assert outcome.exit_code == 1
    assert not bench.daemon.deleted
    assert any("nothing can be decided" in failure and "*img" in failure for failure in outcome.failures)
    (recipe / "compose.yml").write_text("services:\n  app:\n    image: &img org/a:2\n")
    bench.tick()
    assert bench.names() == {"a", "kept"}


def test_a_corrupt_ledger_deletes_nothing(bench: Bench) -> None:
    three_idle(bench)
    bench.places.ledger.path.write_bytes(b"\0" * 500)
    outcome = bench.tick()
    assert not bench.daemon.deleted
    assert any("corrupt" in note for note in outcome.notes)
    assert not bench.ledger.fresh


def test_a_ledger_that_cannot_be_written_does_not_stop_the_cure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_idle(bench)
    real = storage.Reserved.write
    full = [True]

    def write(self: Any, content: bytes) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        real(self, content)

    def free(_: str) -> None:
        full[0] = False

    monkeypatch.setattr(storage.Reserved, "write", write)
    bench.daemon.before_delete = free
    outcome = bench.tick()
    assert bench.names() == {"kept"}
    assert outcome.exit_code == 1, "it is still said"
    assert bench.ledger.images.keys() == {bench.host.id("kept")}


def test_a_decision_that_cannot_be_kept_is_still_carried_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_idle(bench)
    real = storage.Reserved.write

    def write(self: Any, content: bytes) -> None:
        if self.path.name == "last.json":
            raise OSError(28, "No space left on device")
        real(self, content)

    monkeypatch.setattr(storage.Reserved, "write", write)
    bench.percent = [95.0, 60.0]
    outcome = bench.tick()
    assert outcome.exit_code == 1
    assert len(outcome.removed) == 1
    assert "could not be kept" in bench.said[-1]


def full_without(bench: Bench, given: list[str]) -> Callable[[], bool]:
    """A disk on which the engine can write only while the agent's reserve is not on it."""

    def full() -> bool:
        if not bench.reserve.exists():
            return False
        given.append(bench.reserve.name)
        return True

    return full


def test_on_a_disk_without_a_free_block_the_reserve_makes_room(bench: Bench) -> None:
    three_idle(bench)
    given: list[str] = []
    bench.daemon.full = full_without(bench, given)
    outcome = bench.tick()
    assert bench.names() == {"kept"}
    assert not [failure for failure in outcome.failures if "high watermark" not in failure]
    if bench.host.store != CLASSIC:
        assert not bench.reserve.exists(), "this engine needs none"
        return
    assert len(given) == 3, "set aside again after each removal"
    assert len([line for line in bench.said if line.startswith(f"gave-up reserve={bench.reserve} ")]) == 3
    assert bench.reserve.stat().st_blocks * 512 >= SIZE
    assert [removed["freed_bytes"] for removed in outcome.removed] == [0] * 3, "what it held no image made"


def test_a_reserve_that_makes_no_room_is_given_up_once(bench: Bench) -> None:
    three_idle(bench)
    bench.daemon.full = lambda: True
    outcome = bench.tick()
    assert outcome.exit_code == 1
    assert not bench.daemon.deleted
    assert any("no space left on device" in failure for failure in outcome.failures)
    asked = 3 if bench.host.store == CLASSIC else 1  # the name, the name again, the image without a name
    assert len(bench.daemon.queries) == asked


def test_no_reserve_fits_on_a_full_disk_and_none_is_half_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_idle(bench)
    bench.reserve.unlink(missing_ok=True)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    bench.percent = [10.0]
    outcome = bench.tick()
    assert outcome.exit_code == 0
    assert not outcome.notes, "that the disk is full is said elsewhere"
    assert not bench.reserve.exists()


def test_a_reserve_that_was_cut_off_is_made_whole(bench: Bench) -> None:
    if bench.host.store != CLASSIC:
        return
    bench.places.state.mkdir()
    bench.reserve.write_bytes(b"\0" * 100)
    bench.observe()
    assert bench.reserve.stat().st_blocks * 512 >= SIZE


def test_a_store_on_another_file_system_has_the_reserve_beside_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bench.host.store != CLASSIC:
        return
    root, real = Path(bench.host.root), Path.stat

    def stat(self: Path, **how: Any) -> Any:
        found = list(real(self, **how))
        return os.stat_result([*found[:2], 4711, *found[3:]]) if self == root else real(self, **how)

    monkeypatch.setattr(Path, "stat", stat)
    bench.observe()
    assert (root / "ccci-prune" / "reserve").stat().st_size == SIZE
    assert not bench.reserve.exists()


def test_a_place_where_none_may_be_kept_is_named_and_keeps_nothing_from_going(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a system that is read-only but for the folders of the unit."""
    three_idle(bench)
    bench.reserve.unlink(missing_ok=True)

    def refused(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "posix_fallocate", refused)
    outcome = bench.tick()
    assert bench.names() == {"kept"}
    said = [note for note in outcome.notes if "Read-only file system" in note]
    assert len(said) == (1 if bench.host.store == CLASSIC else 0)


def inspected(bench: Bench) -> set[str]:
    """The images that were inspected since the last time."""
    asked, bench.daemon.asked = bench.daemon.asked, []
    names = {bench.host.id(image.name): image.name for image in bench.host.images}
    return {names[path.split("/")[2]] for path in asked if path.startswith("/images/sha256")}


def test_an_image_that_is_known_is_inspected_again_only_to_be_deleted(bench: Bench) -> None:
    three_idle(bench)
    assert inspected(bench) == {"a", "b", "c", "kept"}
    bench.host.image("new", pulled=("org/new:1",))
    bench.observe()
    assert inspected(bench) == {"new"}
    bench.observe()
    assert inspected(bench) == set()
    bench.percent = [95.0, 60.0]
    (gone,) = bench.tick().removed
    assert [path for path in bench.daemon.asked if path.startswith("/images/sha256")] == [
        f"/images/{gone['id']}/json"
    ]


def test_an_image_that_cannot_be_inspected_any_more_stays_and_the_others_go(bench: Bench) -> None:
    three_idle(bench)
    (broken,) = [image for image in bench.host.images if image.name == "b"]
    broken.inspectable = False
    outcome = bench.tick()
    assert bench.names() == {"b", "kept"}
    assert "cannot be inspected" in outcome.conflicts[bench.host.id("b")]
    assert bench.tick().to_json()["kept_by_row"] == {"container": 1, "uninspectable": 1}
    assert bench.names() == {"b", "kept"}


@pytest.mark.parametrize("content", ["", "[]", '{"sha256:x": 5}', "all five", "no layers"])
def test_what_was_remembered_wrong_is_asked_again(bench: Bench, content: str) -> None:
    three_idle(bench)
    wrong = {"all five": 5, "no layers": {"RootFS": None}}.get(content)
    ids = [bench.host.id(image.name) for image in bench.host.images]
    remembered = bench.places.state / "inspects.json"
    remembered.write_text(content if wrong is None else json.dumps(dict.fromkeys(ids, wrong)))
    inspected(bench)
    bench.observe()
    assert inspected(bench) == {"a", "b", "c", "kept"}
    assert json.loads(remembered.read_text()).keys() == set(ids)


def test_the_last_decision_is_kept_for_status(bench: Bench) -> None:
    three_idle(bench)
    bench.tick()
    last = json.loads((bench.places.state / "last.json").read_text())
    assert len(last["removed"]) == 3
    assert last["kept_by_row"] == {"container": 1}
    assert last["exit_code"] == 1
    assert last["disk"][0]["blocks_percent"] == 95.0


def test_without_a_watcher_and_without_proof_everything_counts_as_used(bench: Bench) -> None:
    three_idle(bench)
    fcntl.flock(bench.watcher, fcntl.LOCK_UN)
    outcome = bench.tick()
    assert not bench.daemon.deleted
    assert any("every image counts as used now" in note for note in outcome.notes)


def test_an_image_at_which_the_daemon_fails_stays_and_the_others_go(bench: Bench) -> None:
    three_idle(bench)
    real = bench.daemon.delete

    def fail(path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        return (500, {"message": "driver failed"}) if "org/a" in path else real(path, query)

    bench.daemon.delete = fail  # type: ignore[method-assign]  # this one daemon alone fails
    bench.percent = [95.0, 95.0, 75.0]
    outcome = bench.tick()
    assert bench.names() == {"a", "kept"}
    assert len(outcome.removed) == 2
    (failure,) = outcome.failures
    assert failure.startswith(f"{bench.host.id('a')} was not removed: ")
    assert "driver failed" in failure
    assert list(outcome.conflicts) == [bench.host.id("a")]


def test_a_deletion_at_which_the_daemon_fails_is_read_back(bench: Bench) -> None:
    three_idle(bench)
    real = bench.daemon.delete

    def fail(path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        real(path, query)
        return 500, {"message": "driver failed"}

    bench.daemon.delete = fail  # type: ignore[method-assign]  # this one daemon alone fails
    bench.daemon.greedy = "kept"
    outcome = bench.tick()
    assert len(bench.daemon.deleted) == 1
    assert "took more than was meant" in outcome.failures[0]


def test_an_image_that_goes_though_the_daemon_fails_is_recorded(bench: Bench) -> None:
    three_idle(bench)
    real = bench.daemon.delete

    def fail(path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        real(path, query)
        return 500, {"message": "a layer is busy"}

    bench.daemon.delete = fail  # type: ignore[method-assign]  # this one daemon alone fails
    outcome = bench.tick()
    assert len(outcome.removed) == 3
    assert all("a layer is busy" in str(removed["answer"]) for removed in outcome.removed)
    assert not outcome.conflicts


def test_a_store_that_cannot_be_read_back_ends_the_tick(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_idle(bench)
    known = Daemon.get

    def get(daemon: Daemon, path: str, query: Any = None, **more: Any) -> Any:
        if path == "/images/json" and bench.daemon.deleted:
            raise DaemonError("hiccup", 500)
        return known(daemon, path, query, **more)

    monkeypatch.setattr(Daemon, "get", get)
    outcome = bench.tick()
    assert len(bench.daemon.deleted) == 1
    assert "the store cannot be read: hiccup" in outcome.failures[0]


@pytest.mark.parametrize(
    "error", [DaemonError("no space left on device", 500), DaemonError("no answer"), DaemonError("no", 400)]
)
def test_a_removal_that_fails_for_all_alike_ends_the_tick_with_since_when(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: DaemonError
) -> None:
    asked: list[object] = []

    def refuse(*_: object) -> None:
        asked.append(_)
        raise error

    three_idle(bench)
    monkeypatch.setattr(sweeps, "remove", refuse)
    outcome = bench.tick()
    assert len(asked) == 1
    assert any(f"was not removed: {error}" in failure for failure in outcome.failures)
    assert any("above the high watermark" in failure for failure in outcome.failures)
    assert bench.ledger.above_since is not None
    assert bench.ledger.sweep_since is not None, "the next tick goes on"


def test_leases_that_cannot_be_tidied_away_are_a_failure_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(sweeps, "tidy", refuse)
    bench.percent = [10.0]
    assert bench.tick().exit_code == 1
    assert any(line.startswith("failed") and "read-only" in line for line in bench.said)
    assert bench.said[-1].startswith("ended")


def test_a_name_that_no_plan_judged_spares_the_image(bench: Bench) -> None:
    """A warm pull of another tag, between the decision and the removal."""
    bench.host.image("a", pulled=("org/a:1",))
    (judged,) = read(bench.host.snapshot()).images
    bench.host.images[0].tags = ("org/a:new",)
    with pytest.raises(DaemonError, match="another name meanwhile: org/a:new") as caught:
        remove(Daemon(bench.places.socket), judged, lambda: False)
    assert caught.value.status == 409
    assert not bench.daemon.deleted


def test_a_name_that_is_given_between_two_deletions_spares_what_is_left(bench: Bench) -> None:
    """A tag, after the first of the image's names has gone."""
    names = ("org/a:1", "org/a:2")
    bench.host.image("many", tags=names, pulled=names)
    bench.host.image("other", pulled=("org/other:1",))
    bench.observe()
    bench.grow_old()
    (many, _) = bench.host.images

    def give(reference: str) -> None:
        if reference == "org/a:1":
            many.tags = (*many.tags, "org/z:new")

    bench.daemon.before_delete = give
    outcome = bench.tick()
    assert bench.names() == {"many"}, "the others have their turn"
    assert many.tags == ("org/a:2", "org/z:new")
    assert "another name meanwhile: org/z" in outcome.conflicts[bench.host.id("many")]


def test_two_ticks_at_once_are_one(bench: Bench) -> None:
    three_idle(bench)
    with bench.places.only_writer(wait=True):
        outcome = bench.tick()
    assert not bench.daemon.deleted
    assert bench.said[-2] == "skipped reason=another-process-writes-the-ledger"
    assert outcome.exit_code == 1, "the disk is above the high watermark, and nobody may see to it"
    assert "above the high watermark" in bench.said[-1]


def test_a_tick_that_could_not_be_had_is_no_failure_while_there_is_room(bench: Bench) -> None:
    bench.percent = [10.0]
    with bench.places.only_writer(wait=True):
        outcome = bench.tick()
    assert bench.said == ["skipped reason=another-process-writes-the-ledger"]
    assert outcome.exit_code == 0


def test_an_hour_is_not_enough_for_anything(bench: Bench) -> None:
    bench.host.image("a", pulled=("org/a:1",))
    bench.observe()
    bench.grow_old(HOUR - 60)
    assert not bench.tick().removed


@pytest.mark.parametrize("why", ["nobody watches", "the watcher cannot write"])
def test_where_use_may_have_been_missed_nothing_counts_as_idle(bench: Bench, why: str) -> None:
    three_idle(bench)
    if why == "nobody watches":
        fcntl.flock(bench.watcher, fcntl.LOCK_UN)
    else:
        (bench.places.run / UNWRITTEN).touch()
    bench.daemon.broken["/events"] = 500
    outcome = bench.tick()
    assert not bench.daemon.deleted
    assert any("every image counts as used now" in note for note in outcome.notes)


@pytest.mark.parametrize("complete", [True, False])
def test_a_look_after_a_reboot_asks_whether_all_that_was_seen_is_written(
    bench: Bench, complete: bool
) -> None:
    three_idle(bench)
    bench.daemon.buffer = [event(1, "network", "connect")]
    fcntl.flock(bench.watcher, fcntl.LOCK_UN)
    journal = Journal(bench.places.state)
    journal.append([word(OPEN, 0.0, "an earlier boot", anchor=(1, "gone with its daemon"))])
    if complete:
        journal.trust()
    gaps = [note for note in bench.tick().notes if "every image counts as used now" in note]
    assert bool(gaps) is not complete


def test_a_sweep_has_ended_below_the_low_watermark_whatever_gate_is_closed_besides(bench: Bench) -> None:
    """Else the tick after a lease would delete between the watermarks, with no pressure since."""
    three_idle(bench)
    ledger = bench.ledger
    ledger.sweep_since = time.time()
    bench.places.ledger.write(ledgers.dump(ledger))
    lease = bench.places.leases.grant("a run", 600)
    bench.percent = [60.0]
    bench.tick()
    bench.places.leases.release(lease.id)
    bench.percent = [75.0]
    assert not bench.tick().removed


def test_a_pull_that_grows_is_in_flight_however_long_the_look_took(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recipes are rendered before: one that hangs takes half a minute."""
    three_idle(bench)
    known, late = pressure.store_folders, bench.places.state / "ingest-root"
    monkeypatch.setattr(downloads, "store_folders", lambda host: (*known(host), str(late)))
    began = time.time() + 90.0

    def slow(*_: object) -> dict[str, Any]:
        data = late / "io.containerd.content.v1.content/ingest/abc/data"
        data.parent.mkdir(parents=True, exist_ok=True)
        data.write_bytes(b"layer")
        os.utime(data, (began, began))
        monkeypatch.setattr(time, "time", lambda: began)
        return {"images": [], "repositories": [], "problems": []}

    monkeypatch.setattr(pins, "collect", slow)
    outcome = bench.tick()
    assert not outcome.removed
    assert outcome.plan is not None
    assert [gate.name for gate in outcome.plan.gates] == ["deploying"]
