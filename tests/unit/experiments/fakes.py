"""What experiments are made of, without a host: a deployer, witnesses, a journal in memory of its file."""

from pathlib import Path
from typing import Any

from ccci_host.experiments import Options
from ccci_host.experiments.run import Run
from ccci_host.journal import Journal, read_history
from ccci_host.recipes import App, Recipe, make_app
from ccci_host.records import (
    Bucket,
    BucketsSeen,
    DeployedService,
    Deployment,
    Event,
    History,
    Moment,
    PhaseBegan,
    RanTask,
    Removal,
    StoredImage,
    StoredLayer,
    StoreSeen,
)
from ccci_host.transport.machine import Machine
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table


def service(name: str, image: str) -> DeployedService:
    task = RanTask(id="t", state="running", image=image, image_id="sha256:i", node="n")
    return DeployedService(name=name, id=name, image=image, mode="replicated", replicas=1, tasks=(task,))


def deployment(*images: str, stack: str = "ccci-small_test") -> Deployment:
    return Deployment(
        recipe="small",
        recipe_version="1",
        deployer="fake",
        stack=stack,
        domain="ccci-small.test",
        services=tuple(service(f"s{number}", image) for number, image in enumerate(images)),
        seconds_to_deploy=1.0,
        seconds_to_converge=1.0,
    )


class FakeDeployer:
    """Deploys nothing, remembers all; `failures` are raised by the deploys of those numbers, from 1."""

    name = "fake"

    def __init__(self, failures: dict[int, BaseException] | None = None, *images: str) -> None:
        self.failures = failures or {}
        self.given = images or ("app:1@sha256:d",)
        self.calls: list[tuple[str, str]] = []

    def images(self, machine: Machine, app: App) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.service_images(machine, app)))

    def service_images(self, machine: Machine, app: App) -> tuple[str, ...]:
        return tuple(image.partition("@")[0] for image in self.given)

    def deploy(self, machine: Machine, app: App) -> Deployment:
        self.calls.append(("deploy", app.stack))
        number = sum(word == "deploy" for word, _ in self.calls)
        if number in self.failures:
            raise self.failures[number]
        return deployment(*self.given, stack=app.stack)

    def teardown(self, machine: Machine, app: App) -> Removal:
        self.calls.append(("teardown", app.stack))
        return Removal(stack=app.stack, removed=(("service", "s0"),), seconds=1.0)


def store_of(*images: tuple[str, tuple[str, ...]], moment: Moment = "start") -> StoreSeen:
    """A store of images, each an id, which is its digest too, and the keys of its layers of ten bytes."""
    keys = dict.fromkeys(key for _, layers in images for key in layers)
    return StoreSeen(
        moment=moment,
        store="containerd",
        images=tuple(
            StoredImage(id=name, references=(f"app@{name}",), layers=layers, size=1)
            for name, layers in images
        ),
        layers=tuple(StoredLayer(key=key, size=10, changed_at=0.0, blobs=(key,)) for key in keys),
    )


def bucket(**changes: Any) -> BucketsSeen:
    """What Docker Hub says of the account `me`, beside the full anonymous bucket."""
    fields = {"account": "me", "limit": 200, "window_seconds": 21600, **changes}
    anonymous = Bucket(account=None, limit=100, remaining=100, window_seconds=21600)
    return BucketsSeen(moment="start", cycle=0, buckets=(anonymous, Bucket(**fields)))


class FakeStore:
    """A witness of every moment."""

    def __init__(self, seen: StoreSeen) -> None:
        self.seen = seen
        self.moments = frozenset(
            {"start", "deployed", "torn-down", "rebooted", "paused", "redeployed", "finally-torn-down", "end"}
            | {"evicted", "control-redeployed", "cold-pulled"}
        )

    def look(self, machine: Machine, moment: Moment, cycle: int) -> StoreSeen:
        return self.seen.model_copy(update={"moment": moment, "cycle": cycle})


class Bench:
    """A run on a fake machine, whose history can be read at any time."""

    def __init__(
        self, folder: Path, options: Options, executor: FakeExecutor | None = None, **tables: Any
    ) -> None:
        self.path = folder / "history.jsonl"
        self.executor = executor or FakeExecutor({"docker stack rm": completed()})
        self.machine = fake_machine(self.executor, host_table(**tables))
        self.interrupt_at: str | None = None
        self.journal = Journal(self.path, listener=self._heard)
        self.run = Run(self.machine, self.journal, options)

    def _heard(self, entry: Any) -> None:
        if isinstance(entry.event, PhaseBegan) and entry.event.phase == self.interrupt_at:
            self.interrupt_at = None
            raise KeyboardInterrupt

    @property
    def let_go(self) -> list[str]:
        """The stacks that the swarm was asked to remove."""
        return [
            name
            for argv, _ in self.executor.runs
            if argv[:3] == ("docker", "stack", "rm")
            for name in argv[3:]
        ]

    @property
    def history(self) -> History:
        return read_history(self.path)

    def kinds(self) -> list[str]:
        """What happened, in short."""
        return [described(entry.event) for entry in self.history.entries]


def described(event: Event) -> str:
    """The kind of a record with its phase, moment or outcome."""
    fields = event.model_dump()
    marks = [fields[name] for name in ("phase", "moment", "step", "outcome") if fields.get(name)]
    return " ".join([fields["kind"], *map(str, marks)])


def an_app(folder: Path) -> App:
    """An app of a recipe that is as good as empty."""
    (folder / "small").mkdir()
    (folder / "small" / "compose.yml").write_text("services: {}")
    return make_app(Recipe("small", folder / "small", "1"), "ccci-small.test")
