"""Hand-written histories: a good one of each task, and ways to spoil it.

Two services of a small recipe share a base layer; both images are on Docker Hub. The numbers are small and
round on purpose, so that a reader can check a verdict by hand.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from ccci_host.records import (
    AgentSeen,
    BackSeen,
    BootSeen,
    Bucket,
    BucketsSeen,
    Cleanup,
    ColdPullControl,
    CredentialSeen,
    Deployed,
    DeployedService,
    Deployment,
    Entry,
    Event,
    EvictionControl,
    FileSeen,
    Finished,
    History,
    HostSeen,
    ImageManifest,
    InterfaceSeen,
    LeaseSeen,
    ManifestLayer,
    ManifestsSeen,
    Moment,
    NoiseSeen,
    Phase,
    PhaseBegan,
    PhaseEnded,
    PinControl,
    PlanSeen,
    PrunersSeen,
    RanTask,
    RebootDone,
    RecipeChosen,
    Record,
    RegistryRequest,
    Removal,
    RequestKind,
    RequestsSeen,
    Started,
    StoredImage,
    StoredLayer,
    StoreSeen,
    StrangeContainer,
    StrangersSeen,
    StrangeService,
    SweepSeen,
    TagControl,
    Tick,
    TicksSeen,
    TornDown,
    UnitSeen,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MEGABYTE = 1_000_000


def digest(letter: str) -> str:
    """A digest that is easy to tell from others."""
    return "sha256:" + letter * 64


APP = f"ccci/app:1.0@{digest('a')}"
DB = f"ccci/db:2.0@{digest('d')}"
BASE_LAYER, APP_LAYER, DB_LAYER = "sha256:base", "sha256:app", "sha256:db"
BLOBS = {BASE_LAYER: digest("0"), APP_LAYER: digest("1"), DB_LAYER: digest("2")}
SIZES = {BASE_LAYER: 2 * MEGABYTE, APP_LAYER: 5 * MEGABYTE, DB_LAYER: 8 * MEGABYTE}
LAYERS = {APP: (BASE_LAYER, APP_LAYER), DB: (BASE_LAYER, DB_LAYER)}
IDS = {APP: digest("b"), DB: digest("e")}
WIKI = digest("3")
"""The image of a stranger's service."""
ACCOUNT = "ccci-ci"
TOKEN = "token-1"


def started(task: str, **changes: Any) -> Started:
    fields: dict[str, Any] = {
        "task": task,
        "argv": ("ccci", task),
        "options": {"recipe": "small"},
        "suite": "0.1.0",
        "python": "3.11",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "tree": "f" * 64,
        "host": "classic",
        "instance": "ci",
        "project": "default",
        "door": "unix",
        "commands": "incus",
        "disposable": True,
        "allow_reboot": True,
        "registry_log": True,
        "registry_push": True,
    }
    return Started(**{**fields, **changes})


def host(**changes: Any) -> HostSeen:
    fields: dict[str, Any] = {
        "daemon": "5f1c",
        "store": "classic",
        "store_driver": "overlay2",
        "engine": "26.1.5",
        "api": "1.45",
        "incus": "6.0.4",
        "instance_kind": "container",
        "kernel": "6.18",
        "system": "Debian 13",
        "architecture": "x86_64",
        "swarm_nodes": 1,
        "swarm_manager": True,
        "data_root": "/var/lib/docker",
        "disk_used_percent": 12.5,
        "policy_sha256": "e" * 64,
        "agent_sha256": "d" * 64,
    }
    return HostSeen(**{**fields, **changes})


def store(moment: Moment, cycle: int = 1, *, without: tuple[str, ...] = (), fresh: float = 0.0) -> StoreSeen:
    """The store with both images, or without some; layers of images in `without` gone unless shared."""
    held = [image for image in (APP, DB) if image not in without]
    keys = dict.fromkeys(key for image in held for key in LAYERS[image])
    return StoreSeen(
        moment=moment,
        cycle=cycle,
        host_clock=1000.0,
        store="classic",
        images=tuple(
            StoredImage(
                id=IDS[image],
                references=(image.replace(":1.0", "").replace(":2.0", ""),),
                layers=LAYERS[image],
                size=sum(SIZES[key] for key in LAYERS[image]),
            )
            for image in held
        ),
        layers=tuple(
            StoredLayer(key=key, size=SIZES[key], changed_at=500.0 + fresh, blobs=(BLOBS[key],))
            for key in keys
        ),
    )


def deployed(phase: Phase, cycle: int = 1) -> Deployed:
    services = tuple(
        DeployedService(
            name=f"ccci-small_{name}",
            id=f"service-{name}",
            image=image,
            mode="replicated",
            replicas=1,
            tasks=(
                RanTask(id=f"{phase}-{name}", state="running", image=image, image_id=IDS[image], node="ci"),
            ),
        )
        for name, image in (("app", APP), ("db", DB))
    )
    return Deployed(
        phase=phase,
        cycle=cycle,
        deployment=Deployment(
            recipe="small",
            recipe_version="1.0.0+2.0",
            deployer="stack",
            stack="ccci-small",
            domain="small.ccci.test",
            services=services,
            seconds_to_deploy=1.0,
            seconds_to_converge=4.0,
        ),
    )


def torn_down(phase: Phase, cycle: int = 1) -> TornDown:
    removed = (
        ("service", "ccci-small_app"),
        ("service", "ccci-small_db"),
        ("volume", "ccci-small_data"),
        ("secret", "ccci-small_db_password_v1"),
        ("network", "ccci-small_default"),
    )
    return TornDown(
        phase=phase, cycle=cycle, removal=Removal(stack="ccci-small", removed=removed, seconds=3.0)
    )


def request(
    image: str, what: RequestKind, method: str = "GET", *, key: str = "", at: float = 0.0, **changes: Any
) -> RegistryRequest:
    """A request for the image's manifest, or for one of its layers by key."""
    repository, _, rest = image.partition(":")
    tag, _, own = rest.partition("@")
    fields: dict[str, Any] = {
        "at": (NOON + timedelta(seconds=at)).isoformat(),
        "registry": "docker.io",
        "account": ACCOUNT,
        "method": method,
        "what": what,
        "repository": repository,
        "reference": BLOBS[key] if key else tag,
        "digest": BLOBS[key] if key else own,
        "status": 200,
        "bytes": SIZES[key] if key else 1200,
        "user_agent": "docker/26.1.5",
    }
    return RegistryRequest(**{**fields, **changes})


def resolution(at: float = 0.0) -> tuple[RegistryRequest, ...]:
    """What a warm deploy asks: the tag's `HEAD`, and one `GET` of its manifest (fact 13)."""
    return tuple(
        request(image, "manifest", method, at=at + offset, bytes=0 if method == "HEAD" else 1200)
        for offset, image in ((0.1, APP), (0.4, DB))
        for method in ("HEAD", "GET")
    )


def cold(
    at: float = 0.0, *, only: tuple[str, ...] = (BASE_LAYER, APP_LAYER, DB_LAYER)
) -> tuple[RegistryRequest, ...]:
    """What a cold deploy asks: the resolution, the manifests again, then layers."""
    owners = {BASE_LAYER: APP, APP_LAYER: APP, DB_LAYER: DB}
    pulled = dict.fromkeys(owners[key] for key in only)
    return (
        *resolution(at),
        *(request(image, "manifest", reference=digest("m"), at=at + 0.9) for image in pulled),
        *(
            request(owners[key], "layer", key=key, at=at + 1.0 + 0.4 * index)
            for index, key in enumerate(only)
        ),
    )


def agent(moment: Moment, cycle: int = 1, **changes: Any) -> AgentSeen:
    fields: dict[str, Any] = {
        "moment": moment,
        "cycle": cycle,
        "files": (
            FileSeen(path="/usr/local/bin/ccci-prune", state="as-built"),
            FileSeen(path="/etc/ccci-prune/policy.json", state="as-built"),
        ),
        "units": (
            UnitSeen(name="ccci-prune.service", load="loaded", active="inactive", enabled="static"),
            UnitSeen(name="ccci-prune.timer", load="loaded", active="active", enabled="enabled"),
            UnitSeen(name="ccci-prune-watch.service", load="loaded", active="active", enabled="enabled"),
        ),
        "next_tick": "2026-03-01 13:00:00",
    }
    return AgentSeen(**{**fields, **changes})


def credential(moment: Moment, cycle: int = 1, **changes: Any) -> CredentialSeen:
    fields: dict[str, Any] = {
        "moment": moment,
        "cycle": cycle,
        "path": "/root/.docker/config.json",
        "state": "present",
        "mode": "0600",
        "owner": "root",
        "expected_owner": "root",
        "account": ACCOUNT,
        "expected_account": ACCOUNT,
        "accepted": True,
        "can_push": False,
    }
    return CredentialSeen(**{**fields, **changes})


def buckets(moment: Moment, *, account: int, anonymous: int = 100, cycle: int = 0) -> BucketsSeen:
    return BucketsSeen(
        moment=moment,
        cycle=cycle,
        buckets=(
            Bucket(account=ACCOUNT, limit=200, remaining=account, window_seconds=21600, source=ACCOUNT),
            Bucket(account=None, limit=100, remaining=anonymous, window_seconds=21600, source="10.77.0.10"),
        ),
    )


def boot(moment: Moment, number: int, cycle: int = 1, **changes: Any) -> BootSeen:
    fields: dict[str, Any] = {
        "moment": moment,
        "cycle": cycle,
        "started_at": f"2026-03-01T12:{number:02d}:00Z",
        "init_pid": 4000 + number,
        "init_started": 1_772_366_400.0 + 60 * number,
        "systemd_started": f"Sun 2026-03-01 12:{number:02d}:01 UTC",
        "boot_id": "the host's",
        "token": TOKEN if moment != "rebooted" else None,
    }
    return BootSeen(**{**fields, **changes})


def strangers(moment: Moment) -> StrangersSeen:
    return StrangersSeen(
        moment=moment,
        cycle=0,
        services=(("wiki_app", 17),),
        states=(StrangeService(name="wiki_app", image=f"wiki:1@{WIKI}", running=1, desired=1),),
        containers=(
            StrangeContainer(
                id="c1",
                name="wiki_app.1",
                image=WIKI,
                state="running",
                started_at="2026-02-01T00:00:00Z",
                restarts=0,
                restart_policy="no",
                service="wiki_app",
            ),
        ),
        volumes=("wiki_data",),
        host_clock=NOON.timestamp(),
        ends_since=NOON.timestamp() - 3600,
    )


def _phase(phase: Phase, *inside: Event, cycle: int = 1, seconds: float = 5.0) -> Iterator[Event]:
    yield PhaseBegan(phase=phase, cycle=cycle)
    yield from inside
    yield PhaseEnded(phase=phase, cycle=cycle, outcome="done", seconds=seconds)


def _opening(task: str) -> Iterator[Event]:
    yield started(task)
    yield host()
    yield RecipeChosen(
        recipe="small",
        version="1.0.0+2.0",
        deployer="stack",
        stack="ccci-small",
        domain="small.ccci.test",
        images=("ccci/app:1.0", "ccci/db:2.0"),
    )
    yield LeaseSeen(step="taken", id="lease-1", owner="ccci-host", until="2026-03-01T13:00:00Z")
    yield strangers("start")
    yield agent("start", 0)
    yield credential("start", 0)
    yield NoiseSeen(bytes=2_000, seconds=2.0)
    yield store("start", 0, without=(APP, DB))


def _closing() -> Iterator[Event]:
    yield host(moment="end")
    yield strangers("end")
    yield Cleanup(removed=())
    yield LeaseSeen(step="released", id="lease-1", owner="ccci-host")
    yield Finished(outcome="done")


def manifests(cycle: int = 1) -> ManifestsSeen:
    return ManifestsSeen(
        cycle=cycle,
        images=tuple(
            ImageManifest(
                reference=image,
                digest=image.partition("@")[2],
                layers=tuple(ManifestLayer(digest=BLOBS[key], size=SIZES[key]) for key in LAYERS[image]),
                source="registry",
            )
            for image in (APP, DB)
        ),
    )


def _cycle(cycle: int, *, reboot: bool, first: bool, at: float) -> Iterator[Event]:
    arriving = cold(at) if first else resolution(at)
    yield from _phase(
        "deploy",
        deployed("deploy", cycle),
        InterfaceSeen(phase="deploy", cycle=cycle, bytes=15_300_000 if first else 60_000, seconds=6.0),
        RequestsSeen(phase="deploy", cycle=cycle, source="10.77.0.10", requests=arriving),
        manifests(cycle),
        store("deployed", cycle),
        cycle=cycle,
    )
    yield from _phase("teardown", torn_down("teardown", cycle), cycle=cycle)
    yield store("torn-down", cycle)
    if reboot:
        yield boot("torn-down", 2 * cycle, cycle)
        yield from _phase(
            "reboot",
            RebootDone(
                cycle=cycle,
                forced=False,
                token=TOKEN,
                seen_down=True,
                seen_down_how="its first process was gone",
                seconds_to_down=0.8,
                seconds_to_ready=4.2,
            ),
            boot("rebooted", 2 * cycle + 1, cycle),
            BackSeen(cycle=cycle, system="running", daemon=True, swarm_manager=True),
            agent("rebooted", cycle),
            credential("rebooted", cycle),
            cycle=cycle,
        )
        yield store("rebooted", cycle)
    yield from _phase(
        "redeploy",
        deployed("redeploy", cycle),
        InterfaceSeen(phase="redeploy", cycle=cycle, bytes=60_000, seconds=5.0),
        RequestsSeen(phase="redeploy", cycle=cycle, source="10.77.0.10", requests=resolution(at + 25)),
        store("redeployed", cycle),
        cycle=cycle,
    )
    yield host(moment="redeployed", cycle=cycle)
    yield from _phase("final-teardown", torn_down("final-teardown", cycle), cycle=cycle)
    yield store("finally-torn-down", cycle)


def _eviction(at: float) -> Iterator[Event]:
    yield from _phase(
        "evict",
        EvictionControl(
            ran=True,
            reference=DB,
            image_id=IDS[DB],
            removed=(DB,),
            removed_ids=(IDS[DB],),
            layers=(DB_LAYER,),
            blobs=(BLOBS[DB_LAYER],),
        ),
        store("evicted", 0, without=(DB,)),
        cycle=0,
    )
    after = store("control-redeployed", 0)
    layers = tuple(
        layer.model_copy(update={"changed_at": 900.0}) if layer.key == DB_LAYER else layer
        for layer in after.layers
    )
    yield from _phase(
        "control-redeploy",
        deployed("control-redeploy", 0),
        InterfaceSeen(phase="control-redeploy", cycle=0, bytes=8_200_000, seconds=5.0),
        RequestsSeen(
            phase="control-redeploy", cycle=0, source="10.77.0.10", requests=cold(at, only=(DB_LAYER,))
        ),
        after.model_copy(update={"layers": layers}),
        cycle=0,
    )
    yield TornDown(phase="cleanup", cycle=0, removal=torn_down("cleanup").removal)


def ticks(**changes: Any) -> TicksSeen:
    """A day of hourly ticks on a disk of 100 MB that is half full, 15 MB of it with the recipe's layers."""
    clock = 1_772_400_000.0
    fields: dict[str, Any] = {
        "moment": "end",
        "cycle": 0,
        "host_clock": clock,
        "ticks": tuple(Tick(at=clock - 3600.0 * hour, done=True, percent=50.0) for hour in range(24, 0, -1)),
        "high_percent": 80.0,
        "low_percent": 70.0,
        "folder": "/var/lib/docker",
        "used": 50 * MEGABYTE,
        "available": 50 * MEGABYTE,
    }
    return TicksSeen(**{**fields, **changes})


def held_back(moment: Moment) -> SweepSeen:
    """A sweep that met the run's lease."""
    gates = {"lease": {"reason": "held by ccci-host", "until": 1_772_370_000.0}}
    return SweepSeen(moment=moment, under="lease", exit_code=0, gates=gates)


def _verify_pc1() -> Iterator[Event]:
    yield from _opening("verify-pc1")
    yield PrunersSeen(moment="start", cycle=0)
    yield from _phase(
        "deploy",
        deployed("deploy"),
        RequestsSeen(phase="deploy", source="10.77.0.10", requests=cold()),
        store("deployed"),
    )
    yield held_back("deployed")
    yield from _phase("teardown", torn_down("teardown"))
    yield store("torn-down")
    yield PlanSeen(
        moment="torn-down",
        simulated_percent=95.0,
        victims=({"id": digest("9"), "refs": [], "class": "orphaned", "reason": "orphaned"},),
        kept=(
            {"id": IDS[APP], "refs": [APP], "class": "idle", "reason": "cached", "until": 1_774_990_000.0},
            {"id": IDS[DB], "refs": [DB], "class": "idle", "reason": "cached", "until": 1_774_990_000.0},
        ),
    )
    yield held_back("torn-down")
    yield SweepSeen(
        moment="end",
        cycle=0,
        under="nothing",
        exit_code=0,
        gates={"no-pressure": {"reason": "/var/lib/docker at 12.5 %: below 80 %", "until": None}},
    )
    yield ticks()
    yield store("end", 0)
    yield from _closing()


def _verify_pc2() -> Iterator[Event]:
    yield from _opening("verify-pc2")
    yield buckets("start", account=195)
    yield from _phase(
        "deploy",
        deployed("deploy"),
        RequestsSeen(phase="deploy", source="10.77.0.10", requests=cold()),
        store("deployed"),
    )
    yield from _phase("teardown", torn_down("teardown"))
    yield store("torn-down")
    yield buckets("torn-down", account=190, cycle=1)
    yield store("evicted", 0, without=(DB,))
    yield from _phase(
        "cold-pull",
        RequestsSeen(phase="cold-pull", cycle=0, source="10.77.0.10", requests=cold(only=(DB_LAYER,))),
        cycle=0,
    )
    yield store("cold-pulled", 0)
    yield buckets("cold-pulled", account=187)
    yield ColdPullControl(ran=True, reference="ccci/db:2.0", removed=(DB,), task_image_id=IDS[DB])
    yield credential("cold-pulled", 0)
    yield from _closing()


def _redeploys(task: str, cycles: int) -> Iterator[Event]:
    yield from _opening(task)
    for cycle in range(1, cycles + 1):
        yield from _cycle(cycle, reboot=task == "reboot-and-redeploy", first=cycle == 1, at=100 * cycle)
    yield from _eviction(at=100 * cycles + 60)
    if task == "verify-pc3":
        yield from _phase(
            "pin-control",
            PinControl(
                ran=True,
                reference=f"ccci/db:2.0@{digest('9')}",
                cached=DB,
                outcome="refused",
                registry_status=404,
                started=(),
                error="manifest unknown",
            ),
            cycle=0,
        )
        yield from _phase(
            "tag-control",
            TagControl(
                ran=True,
                reference="ccci/moving:1",
                digest_before=digest("7"),
                digest_after=digest("8"),
                digest_ran=digest("8"),
            ),
            cycle=0,
        )
    yield from _closing()


@cache
def good(task: str, *, cycles: int = 1) -> History:
    """A history of `task` that passes."""
    makers: dict[str, Callable[[], Iterator[Event]]] = {"verify-pc1": _verify_pc1, "verify-pc2": _verify_pc2}
    events = makers[task]() if task in makers else _redeploys(task, cycles)
    return of_events(events)


def of_events(events: Iterator[Event] | tuple[Event, ...]) -> History:
    """A history with these events, one a second from noon."""
    entries = tuple(
        Entry(
            seq=number, at=(NOON + timedelta(seconds=number)).isoformat(timespec="microseconds"), event=event
        )
        for number, event in enumerate(events, start=1)
    )
    return History(entries=entries, sha256="c" * 64)


def changed(
    history: History, kind: type[Record], change: dict[str, Any] | Callable[[Any], Record], **where: Any
) -> History:
    """`history` with the records of `kind` that are as in `where` changed; fails when there is none."""
    hits = 0
    events: list[Event] = []
    for entry in history.entries:
        event: Any = entry.event
        if isinstance(event, kind) and all(getattr(event, name) == value for name, value in where.items()):
            hits += 1
            if callable(change):
                event = change(event)
            else:
                event = type(event).model_validate({**event.model_dump(), **change})
        events.append(event)
    assert hits, f"the history has no {kind.__name__} with {where}"
    return of_events(tuple(events))


def without(history: History, kind: type[Record], **where: Any) -> History:
    """`history` without the records of `kind` whose fields are as in `where`; fails when there is none."""
    kept = tuple(
        entry.event
        for entry in history.entries
        if not (
            isinstance(entry.event, kind)
            and all(getattr(entry.event, name) == value for name, value in where.items())
        )
    )
    assert len(kept) < len(history.entries), f"the history has no {kind.__name__} with {where}"
    return of_events(kept)


def cut(history: History, after: int) -> History:
    """The first `after` records of `history`: a run that was killed."""
    return history.model_copy(update={"entries": history.entries[:after]})
