"""Whether a task of every service really ran the image that its spec names."""

from ccci_host.checks.finding import Answer, failed, passed, unknown
from ccci_host.checks.reading import count, deployment, in_each_cycle, listed, store_at
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, Moment, Phase, StoreSeen

RAN = ("running", "complete")
"""States of a task whose container started: one that serves, one that has done its work."""


@check(
    pc="PC3",
    sentence="a task of every service really ran that image in both deploys",
    witnesses=("swarm tasks", "layer store"),
    tasks=REDEPLOYS,
    order=42,
)
def tasks_ran_the_image(history: History) -> Answer:
    """A service of no replica, of tasks that never ran, or of no digest shows nothing about its image."""
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    idle: list[str] = []
    other: list[str] = []
    bare: list[str] = []
    tasks = 0
    both: tuple[tuple[Phase, Moment], ...] = (("deploy", "deployed"), ("redeploy", "redeployed"))
    for phase, moment in both:
        store = store_at(history, moment, cycle)
        for service in deployment(history, phase, cycle).services:
            ran = [task for task in service.tasks if task.state in RAN and task.image_id]
            tasks += len(ran)
            if not ran:
                idle.append(f"{service.name} in the {phase}")
            elif service.digest is None:
                bare.append(f"{service.name} in the {phase}")
            elif not any(_is_of(service.digest, task.image_id, store) for task in ran):
                other.append(f"{service.name} in the {phase}")
    if other:
        return failed(
            f"Ran another image than the spec names: {listed(other)}.",
            todo="Compare the service's spec with its container: `docker service ps --no-trunc SERVICE`.",
        )
    if idle:
        return unknown(
            f"No task was seen running: {listed(idle)}. Its image is not shown to work from the store.",
            todo="Give the service at least one replica, and see that its task keeps running.",
        )
    if bare:
        return unknown(
            f"By a bare tag, which may mean any image: {listed(bare)}.",
            todo="Make the registry resolve these tags while deploying; the deploy warns when it cannot.",
        )
    return passed(f"{count(tasks, 'task')} ran the very images of the specs, over both deploys.")


def _is_of(digest: str, image_id: str, store: StoreSeen) -> bool:
    """Whether the image id is that of the manifest's image."""
    stored = store.image_with(digest)
    return image_id == digest or (
        stored is not None and (image_id == stored.id or image_id in stored.digests)
    )
