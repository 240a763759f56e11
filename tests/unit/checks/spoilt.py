"""Histories of which something was changed, for the tests of what checks say."""

from collections.abc import Callable
from typing import Any

from ccci_host.records import (
    AgentSeen,
    BucketsSeen,
    Deployed,
    DeployedService,
    Finished,
    History,
    Interrupted,
    Phase,
    Pruner,
    RequestsSeen,
    Started,
    StoredImage,
    StoreSeen,
    StrangersSeen,
    SweepSeen,
    Tick,
    TicksSeen,
    TornDown,
)
from tests.histories import boot, changed, digest, good, of_events, ticks, without

PC1 = good("verify-pc1")
PC2 = good("verify-pc2")
PC3 = good("verify-pc3")
AGAIN = good("reboot-and-redeploy")
IN_USE = changed(without(PC1, SweepSeen, under="nothing"), Started, {"disposable": False})
"""On a host in use no experiment starts a tick of its own."""
BLIND = changed(PC2, RequestsSeen, {"requests": (), "problem": "no such file"})
SAME = boot("torn-down", 2)
"""The boot before the restart."""


def timer(**changes: Any) -> Callable[[AgentSeen], AgentSeen]:
    """The agent's timer changed."""

    def change(seen: AgentSeen) -> AgentSeen:
        service, timer, *others = seen.units
        return seen.model_copy(update={"units": (service, timer.model_copy(update=changes), *others)})

    return change


def last_tick(**changes: Any) -> Callable[[AgentSeen], AgentSeen]:
    """The unit that the agent's timer starts changed."""

    def change(seen: AgentSeen) -> AgentSeen:
        service, *others = seen.units
        return seen.model_copy(update={"units": (service.model_copy(update=changes), *others)})

    return change


def strange(*references: str) -> Callable[[StoreSeen], StoreSeen]:
    """A stranger's image is in the store too."""
    image = StoredImage(id=digest("8"), references=references, layers=(), size=0)
    return lambda seen: seen.model_copy(update={"images": (*seen.images, image)})


def only_own(seen: BucketsSeen) -> BucketsSeen:
    """The anonymous bucket could not be read."""
    return seen.model_copy(update={"buckets": seen.buckets[:1]})


def without_figures(seen: BucketsSeen) -> BucketsSeen:
    """Docker Hub left the figures out."""
    empty = tuple(bucket.model_copy(update={"remaining": None}) for bucket in seen.buckets)
    return seen.model_copy(update={"buckets": empty})


def pruner(where: str, *, active: bool = True, remedy: str = "") -> Pruner:
    return Pruner(name=f"prune of {where}", where=where, command="prune", active=active, remedy=remedy)


def victim(image: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": digest("9"), "refs": [image] if image else [], "class": kind, **more}


def ticked(*seconds_ago: float) -> dict[str, Any]:
    """Ticks that left the disk half full."""
    return {"ticks": tuple(Tick(at=ticks().host_clock - ago, done=True, percent=50.0) for ago in seconds_ago)}


def all_failed(seen: TicksSeen) -> TicksSeen:
    """Every tick failed, and says how full it left the disk."""
    failed = tuple(tick.model_copy(update={"done": False}) for tick in seen.ticks)
    return seen.model_copy(update={"ticks": failed})


def removal(**changes: Any) -> Callable[[TornDown], TornDown]:
    return lambda torn: torn.model_copy(update={"removal": torn.removal.model_copy(update=changes)})


def services(change: Callable[[DeployedService], DeployedService | None]) -> Callable[[Deployed], Deployed]:
    """The services of a deploy changed; those that become None are left out."""

    def apply(item: Deployed) -> Deployed:
        new = tuple(service for service in map(change, item.deployment.services) if service)
        return item.model_copy(update={"deployment": item.deployment.model_copy(update={"services": new})})

    return apply


def tasks(**changes: Any) -> Callable[[Deployed], Deployed]:
    """All tasks of a deploy changed."""

    def change(service: DeployedService) -> DeployedService:
        return service.model_copy(
            update={"tasks": tuple(task.model_copy(update=changes) for task in service.tasks)}
        )

    return services(change)


def image(spell: Callable[[str], str]) -> Callable[[Deployed], Deployed]:
    return services(lambda service: service.model_copy(update={"image": spell(service.image)}))


bare = image(lambda name: name.partition("@")[0])
repointed = image(lambda name: name.replace(digest("d"), digest("5")))
"""The db's tag means another digest."""
both_repointed = image(lambda name: name.replace(digest("d"), digest("5")).replace(digest("a"), digest("6")))
empty = services(lambda _: None)


def interrupted(phase: Phase | None) -> History:
    events = tuple(entry.event for entry in PC3.entries[:-1])
    ended = Finished(outcome="interrupted", problem="SIGINT")
    return of_events((*events, Interrupted(how="SIGINT", phase=phase), ended))


def restarted(seen: StrangersSeen) -> StrangersSeen:
    again = tuple(container.model_copy(update={"restarts": 1}) for container in seen.containers)
    return seen.model_copy(update={"containers": again})
