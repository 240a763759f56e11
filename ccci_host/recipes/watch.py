"""Watches a deployed stack until it has converged, or until it is clear that it will not."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ccci_host.errors import CcciError, DeployError, WaitTimeoutError
from ccci_host.recipes.app import App
from ccci_host.recipes.convergence import ENDED, SETTLING, judge, last_error, mode_and_replicas
from ccci_host.recipes.host import Patient, ask
from ccci_host.recipes.rendered import Rendered
from ccci_host.records import DeployedService, RanTask
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until

LOOKING = 60.0
"""Seconds that one look may take."""
BETWEEN = 0.05
"""Seconds between two looks: the host itself waits, for a change or until a task may have settled."""
VARYING = re.compile(r"/\S+|\w*\d\w*")
"""What differs between two failures of one kind: paths, digests, numbers."""
ADVICE = (
    (
        ("no space left",),
        "The host's disk is full: `invoke prune` tells what may go, `invoke prune --apply` removes it.",
    ),
    (
        ("toomanyrequests", "rate limit"),
        "The rate limit is used up: wait for its window; `invoke provision --check` tells of the login.",
    ),
    (
        ("only updates to labels",),
        "A config changed under its old name: raise its version in abra.sh, or tear the stack down first.",
    ),
    (
        ("no such image", "manifest unknown", "access denied"),
        "The registry has no such image or does not give it: check the recipe's reference, and the login.",
    ),
    (
        ("already in use by service", "port is already allocated"),
        "Another stack publishes that port: tear it down, or deploy without the port.",
    ),
    (("not found", "must be"), "Correct the recipe or the app's environment."),
)
"""What Docker says, and what to do about it. The first that fits counts."""
LOOK_THERE = "Look at `docker service ps --no-trunc` and `docker service logs` of the service."


def watch(machine: Machine, app: App, rendered: Rendered, since: float) -> Mapping[str, Any]:
    """Wait until `app` has converged; the last answer of `look`.

    `since` is the host's time when the deploy began. Raises `DeployError` with the failing task's error:
    early where waiting is pointless, else after the recipe's own time limit.
    """
    expected = [f"{app.stack}_{service}" for service in rendered.services]
    last: dict[str, Any] = {}
    host = Patient(machine)

    def look() -> Mapping[str, Any] | None:
        asked = {"stack": app.stack, "known": last.get("mark"), "patience": SETTLING}
        seen = host.ask("look", asked, timeout=LOOKING)
        if seen is None:
            return None
        progress = judge(seen, since=since, expected=expected)
        last.update(progress=progress, tasks=seen["tasks"], mark=seen["mark"])
        if progress.broken:
            details = [*progress.broken, *_pull_errors(machine, app, seen["tasks"], since)]
            raise DeployError(
                f"{app.recipe.name} does not come up as {app.stack}.",
                details="\n".join(details),
                resolution=advice("\n".join(details)),
            )
        return seen if progress.converged else None

    try:
        return wait_until(look, what=f"{app.stack} to converge", timeout=rendered.timeout, interval=BETWEEN)
    except WaitTimeoutError:
        if not last:
            raise
        pulls = _pull_errors(machine, app, last["tasks"], since)
        ended = [line for line in last["progress"].waiting if ENDED in line]
        error = "\n".join([last_error(last["tasks"]), *pulls, *ended]).strip()
        raise DeployError(
            f"{app.recipe.name} did not converge as {app.stack} within {rendered.timeout:.0f} s.",
            details="\n".join([*last["progress"].waiting, *pulls]),
            resolution=advice(error)
            if error
            else "Look at `docker service logs` of these, or raise the recipe's TIMEOUT.",
        ) from None


def _pull_errors(machine: Machine, app: App, tasks: Sequence[Mapping[str, Any]], since: float) -> list[str]:
    """What the daemon said of images that it could not pull: the tasks themselves hide it.

    Nothing where it cannot be asked: that would take the place of the reason why the deploy failed.
    """
    ids = [task["ID"] for task in tasks if "No such image" in (task["Status"].get("Err") or "")]
    if not ids:
        return []
    asked = {"stack": app.stack, "tasks": ids, "since": since}
    try:
        reasons = ask(machine, "pull-errors", asked, timeout=LOOKING)["reasons"]
    except CcciError:
        return []
    kinds: dict[str, str] = {}
    for reason in reasons:
        kinds.setdefault(VARYING.sub("", reason), f"pull: {reason}")
    return list(kinds.values())


def tasks_with_containers(machine: Machine, stack: str) -> tuple[str, ...]:
    """The tasks of `stack` that came to have a container, started or not, each with its state and error."""
    tasks = ask(machine, "look", {"stack": stack}, timeout=LOOKING)["tasks"]
    return tuple(
        " ".join(filter(None, (f"{task['ID']} {task['Status']['State']}", task["Status"].get("Err"))))
        for task in tasks
        if (task["Status"].get("ContainerStatus") or {}).get("ContainerID")
    )


def advice(error: str, otherwise: str = LOOK_THERE) -> str:
    """What to do about `error`, a message of Docker's; where nobody knows, `otherwise`."""
    said = error.lower()
    return next((advice for words, advice in ADVICE if any(word in said for word in words)), otherwise)


def deployed_services(seen: Mapping[str, Any]) -> tuple[DeployedService, ...]:
    """The services of an answer of `look`, each with the tasks that run or ran to their end."""
    containers = {one["task"]: one for one in seen["containers"]}
    services = []
    for service in sorted(seen["services"], key=lambda one: str(one["Spec"]["Name"])):
        mode, replicas = mode_and_replicas(service)
        tasks = [task for task in seen["tasks"] if task["ServiceID"] == service["ID"]]
        services.append(
            DeployedService(
                name=service["Spec"]["Name"],
                id=service["ID"],
                image=service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"],
                mode=mode,
                replicas=replicas,
                tasks=tuple(_ran(task, containers.get(task["ID"], {})) for task in tasks if _counts(task)),
            )
        )
    return tuple(services)


def _counts(task: Mapping[str, Any]) -> bool:
    return bool(task["DesiredState"] == "running" or task["Status"]["State"] == "complete")


def _ran(task: Mapping[str, Any], container: Mapping[str, Any]) -> RanTask:
    return RanTask(
        id=task["ID"],
        state=task["Status"]["State"],
        image=container.get("image", ""),
        image_id=container.get("image_id", ""),
        node=task.get("NodeID", ""),
        error=task["Status"].get("Err") or "",
    )
