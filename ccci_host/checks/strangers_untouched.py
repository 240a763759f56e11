"""Whether what else lives on the host is the same after the run as before."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import began, count, listed
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, StrangeContainer, StrangersSeen


@check(
    pc="run",
    sentence="a stranger's stack on the host is untouched: containers, volumes, restart counts",
    witnesses=("containers", "swarm services"),
    tasks=("verify-pc1", *REDEPLOYS),
    order=60,
)
def strangers_untouched(history: History) -> Answer:
    """After a reboot the strangers' containers are new ones; their services and volumes are not."""
    before, after = history.at(StrangersSeen, "start", 0), history.at(StrangersSeen, "end", 0)
    if before is None or after is None or before.problem or after.problem:
        why = next((seen.problem for seen in (before, after) if seen and seen.problem), None)
        raise NoEvidenceError(f"Other stacks were not seen before and after: {why or 'no look'}.")
    changed: list[str] = []
    now = dict(after.services)
    for name, version in before.services:
        if name not in now:
            changed.append(f"service {name} is gone")
        elif now[name] != version and not _rebooted(history):
            changed.append(f"service {name} was updated")
    changed += [f"volume {name} is gone" for name in before.volumes if name not in after.volumes]
    if not _rebooted(history):
        containers = {container.id: container for container in after.containers}
        for container in before.containers:
            if container.state == "running":
                changed += _changed(container, containers.get(container.id))
    if changed:
        return failed(
            f"The run disturbed what else lives on the host: {listed(changed)}.",
            todo="See whether somebody else worked on the host; if not, report it with the history.",
        )
    what = f"{count(len(before.containers), 'container')} and {count(len(before.services), 'service')}"
    return passed(f"{what} of others were there before, and are the same after.")


def _changed(before: StrangeContainer, after: StrangeContainer | None) -> list[str]:
    if after is None:
        return [f"container {before.name} is gone"]
    if after.restarts != before.restarts or after.started_at != before.started_at:
        return [f"container {before.name} was restarted"]
    return []


def _rebooted(history: History) -> bool:
    return any(began(history, "reboot", cycle) for cycle in history.cycles)
