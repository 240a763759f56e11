"""Whether a stack has converged: pure judgement of what `stack_remote.look` saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ccci_host.agent.host import ENDS_WELL

SETTLING = 1.0
"""Seconds that a task without health check must have run: some start and fall at once."""
GRACE = 5.0
"""Seconds after which a failed task without successor was given up, and a service without tasks is empty."""
REJECTIONS = 3
"""Rejected tasks of one service after which waiting is pointless. Swarm tries every five seconds."""
ENDED = "ended by itself with exit code 0"
"""Of a task that was to run on: swarm starts another, and calls none of them failed."""
ROLLED_BACK = ("rollback_started", "rollback_paused", "rollback_completed", "paused")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a stack stands."""

    waiting: tuple[str, ...]
    """What it still waits for, a line a service; empty once it has converged."""
    broken: tuple[str, ...]
    """What will not get better by waiting, a line a service."""

    @property
    def converged(self) -> bool:
        """Whether nothing is waited for and nothing is broken."""
        return not self.waiting and not self.broken


def judge(seen: Json, *, since: float, expected: Sequence[str]) -> Progress:
    """Judge `seen`, the answer of `look`; `since` is the host's time, in seconds, when the deploy began.

    `expected` names the services that there must be.
    """
    services = {str(one["Spec"]["Name"]): one for one in seen["services"]}
    waiting = [f"{name}: not there yet" for name in expected if name not in services]
    broken: list[str] = []
    for name, service in services.items():
        tasks = [task for task in seen["tasks"] if task["ServiceID"] == service["ID"]]
        mine = [task for task in tasks if _same_spec(task, service)]
        problem = _broken(service, [task for task in tasks if _created(task) >= since - 1], seen)
        if problem:
            broken.append(f"{name}: {problem}")
            continue
        missing = _missing(service, tasks, mine, seen)
        if missing:
            waiting.append(f"{name}: {missing}")
    return Progress(tuple(waiting), tuple(broken))


def last_error(tasks: Sequence[Json]) -> str:
    """What the newest task that failed says of it, or an empty string."""
    failed = [task for task in tasks if _error(task)]
    return _error(max(failed, key=_created)) if failed else ""


def mode_and_replicas(service: Json) -> tuple[str, int]:
    """`replicated`, `global`, `replicated-job` or `global-job`, and how many tasks it wants if known."""
    mode = service["Spec"]["Mode"]
    if "Replicated" in mode:
        return "replicated", int(mode["Replicated"].get("Replicas", 1))
    if "ReplicatedJob" in mode:
        return "replicated-job", int(mode["ReplicatedJob"].get("TotalCompletions") or 1)
    status = service.get("ServiceStatus") or {}
    return ("global-job" if "GlobalJob" in mode else "global"), int(status.get("DesiredTasks", 0))


def _same_spec(task: Json, service: Json) -> bool:
    """Whether the task was made from the service as it is now, not from the one before."""
    wanted, got = service["Spec"]["TaskTemplate"], task["Spec"]
    return bool(
        wanted.get("ContainerSpec") == got.get("ContainerSpec")
        and wanted.get("ForceUpdate", 0) == got.get("ForceUpdate", 0)
    )


def _missing(service: Json, tasks: Sequence[Json], mine: Sequence[Json], seen: Json) -> str:
    mode, wanted = mode_and_replicas(service)
    update = (service.get("UpdateStatus") or {}).get("State", "")
    if update not in ("", "completed"):
        return f"update {update}"
    if mode.endswith("-job"):
        done = sum(task["Status"]["State"] == "complete" for task in mine)
        return "" if done >= max(wanted, 1) else f"{done} of {max(wanted, 1)} completed{_because(mine)}"
    if mode == "global":
        wanted = max(wanted, sum(task["DesiredState"] == "running" for task in mine))
        if wanted == 0 and _age(service["UpdatedAt"], seen) < GRACE:
            return "no task yet"
    newest = _newest(mine)
    waited_for = [task for task in newest if not (_is_ready(task, seen) or _is_done(task, service))]
    ready = len(newest) - len(waited_for)
    if ready < wanted:
        states = ", ".join(sorted({str(task["Status"]["State"]) for task in waited_for})) or "no task"
        return f"{ready} of {wanted} up, {states}{_because(mine)}"
    if any(task["DesiredState"] == "running" and task not in mine for task in tasks):
        return "an older task is still to go"
    return ""


def _is_ready(task: Json, seen: Json) -> bool:
    if task["DesiredState"] != "running" or task["Status"]["State"] != "running":
        return False
    status = next((str(one["status"]) for one in seen["containers"] if one["task"] == task["ID"]), "")
    if "(unhealthy)" in status or "(health: starting)" in status:
        return False
    return "(healthy)" in status or _age(task["Status"]["Timestamp"], seen) >= SETTLING


def _is_done(task: Json, service: Json) -> bool:
    """A task that ran to its end where the recipe says that it is not to be started again then."""
    policy = service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}
    return task["Status"]["State"] == "complete" and policy.get("Condition") in ENDS_WELL


def _broken(service: Json, fresh: Sequence[Json], seen: Json) -> str:
    update = service.get("UpdateStatus") or {}
    if update.get("State") in ROLLED_BACK:
        return f"{update['State'].replace('_', ' ')}: {update.get('Message', '')}{_because(fresh)}"
    fresh = [task for task in fresh if _same_spec(task, service)]
    rejected = [task for task in fresh if task["Status"]["State"] == "rejected"]
    if len(rejected) >= REJECTIONS:
        return f"rejected {len(rejected)} times{_because(rejected)}"
    for task in _newest(fresh):
        state = task["Status"]["State"]
        ended = state == "complete" and not _is_done(task, service) and _repeats(service)
        if (
            (ended or state in ("failed", "rejected"))
            and task["DesiredState"] != "running"
            and _age(task["Status"]["Timestamp"], seen) > GRACE
        ):
            return f"given up{_because(fresh)}"
    return ""


def _repeats(service: Json) -> bool:
    return not mode_and_replicas(service)[0].endswith("-job")


def _newest(tasks: Sequence[Json]) -> list[Json]:
    """The task that stands for each slot, or node in global mode: the newest that is to run, else the newest.

    A rollback that a new deploy overtakes leaves a newer task shut down, and the older one running on.
    """
    newest: dict[Any, Json] = {}
    for task in sorted(tasks, key=lambda task: (task["DesiredState"] == "running", _created(task))):
        newest[task.get("Slot") or task.get("NodeID", "")] = task
    return list(newest.values())


def _error(task: Json) -> str:
    status = task["Status"]
    if status["State"] not in ("failed", "rejected", "pending", "orphaned"):
        return ""
    return str(status.get("Err") or "")


def _because(tasks: Sequence[Json]) -> str:
    """Why `tasks`, all of one spec, are not up, in brackets."""
    error = last_error(tasks)
    if not error:
        ended = sum(_was_replaced(task) for task in tasks)
        error = f"{ENDED}, {ended} of {len(tasks)} tasks" if ended else ""
    return f" ({error})" if error else ""


def _was_replaced(task: Json) -> bool:
    """Whether it ended in good order and swarm wanted another in its place. A job's ends as it should."""
    return bool(task["Status"]["State"] == "complete" and task["DesiredState"] == "shutdown")


def _created(task: Json) -> float:
    return seconds(task["CreatedAt"])


def _age(timestamp: str, seen: Json) -> float:
    return float(seen["now"]) - seconds(timestamp)


def seconds(timestamp: str) -> float:
    """Seconds since the epoch of one of the API's times, whose fractions may have nine digits."""
    whole, _, fraction = timestamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float(f"0.{fraction or 0}")
