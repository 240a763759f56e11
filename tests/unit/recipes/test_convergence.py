"""Convergence, judged from made-up pictures of a stack."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ccci_host.recipes.convergence import judge, seconds

NOW = 1_000_000.0
BEGAN = NOW - 60
SPEC = {"Image": "lab/app:1@sha256:" + "a" * 64}
OLD_SPEC = {"Image": "lab/app:1@sha256:" + "b" * 64}


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def service(mode: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    template = {"ContainerSpec": SPEC, **more.pop("template", {})}
    spec = {"Name": "shop_app", "Mode": mode or {"Replicated": {"Replicas": 1}}, "TaskTemplate": template}
    return {"ID": "s1", "Spec": spec, "UpdatedAt": stamp(BEGAN), **more}


def task(
    state: str,
    *,
    id: str = "t1",
    slot: int = 1,
    desired: str = "running",
    error: str = "",
    created: float = NOW - 30,
    at: float = NOW - 20,
    spec: dict[str, str] = SPEC,
) -> dict[str, Any]:
    status = {"State": state, "Timestamp": stamp(at), "Err": error}
    return {
        "ID": id,
        "ServiceID": "s1",
        "Slot": slot,
        "Spec": {"ContainerSpec": spec},
        "Status": status,
        "DesiredState": desired,
        "CreatedAt": stamp(created),
    }


def picture(
    a_service: dict[str, Any], *tasks: dict[str, Any], status: str = "Up 20 seconds"
) -> dict[str, Any]:
    containers = [{"task": one["ID"], "image": "", "image_id": "", "status": status} for one in tasks]
    things = {"services": [a_service], "tasks": list(tasks), "containers": containers}
    return {"now": NOW, **things, "mark": "of this moment"}


def outcome(seen: dict[str, Any], *expected: str) -> str:
    progress = judge(seen, since=BEGAN, expected=expected or ("shop_app",))
    return progress.broken[0] if progress.broken else progress.waiting[0] if progress.waiting else "converged"


JOB = {"ReplicatedJob": {"TotalCompletions": 1}}
ON_FAILURE = {"template": {"RestartPolicy": {"Condition": "on-failure"}}}
TWO = {"Replicated": {"Replicas": 2}}


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        pytest.param(picture(service(), task("running")), "converged", id="running"),
        pytest.param(picture(service()), "shop_app: 0 of 1 up, no task", id="no task"),
        pytest.param(
            picture(
                service(),
                task("running", created=NOW - 90),
                task("shutdown", id="t2", desired="shutdown", created=NOW - 40),
            ),
            "converged",
            id="a rollback was overtaken: the older task runs on",
        ),
        pytest.param(picture(service({"Replicated": {"Replicas": 0}})), "converged", id="zero replicas"),
        pytest.param(picture(service(TWO), task("running")), "shop_app: 1 of 2 up, no task", id="one of two"),
        pytest.param(
            picture(service(TWO), task("running"), task("running", id="t2", slot=2)),
            "converged",
            id="two of two",
        ),
        pytest.param(picture(service(), task("starting")), "shop_app: 0 of 1 up, starting", id="starting"),
        pytest.param(
            picture(service(), task("running", at=NOW - 0.5)),
            "shop_app: 0 of 1 up, running",
            id="only just running",
        ),
        pytest.param(
            picture(service(), task("running", at=NOW - 0.5), status="Up 1 second (healthy)"),
            "converged",
            id="healthy needs no settling",
        ),
        pytest.param(
            picture(service(), task("running"), status="Up 9 seconds (unhealthy)"),
            "shop_app: 0 of 1 up, running",
            id="unhealthy",
        ),
        pytest.param(
            picture(service(), task("running", spec=OLD_SPEC)),
            "shop_app: 0 of 1 up, no task",
            id="only the task of the old spec",
        ),
        pytest.param(
            picture(service(), task("running", id="old", spec=OLD_SPEC), task("running")),
            "shop_app: an older task is still to go",
            id="start-first, both running",
        ),
        pytest.param(
            picture(
                service(), task("shutdown", id="old", spec=OLD_SPEC, desired="shutdown"), task("running")
            ),
            "converged",
            id="the old task is gone",
        ),
        pytest.param(
            picture(service(UpdateStatus={"State": "updating"}), task("running")),
            "shop_app: update updating",
            id="updating",
        ),
        pytest.param(
            picture(service(UpdateStatus={"State": "completed"}), task("running")), "converged", id="updated"
        ),
        pytest.param(
            picture(service(UpdateStatus={"State": "rollback_started", "Message": "why"}), task("running")),
            "shop_app: rollback started: why",
            id="rolling back",
        ),
        pytest.param(
            picture(
                service(UpdateStatus={"State": "rollback_completed", "Message": "why"}),
                task("running", id="old", created=BEGAN - 100),
                task("failed", error="exit (1)", spec=OLD_SPEC, desired="shutdown"),
            ),
            "shop_app: rollback completed: why (exit (1))",
            id="rolled back, with the failed task's error though its spec is gone",
        ),
        pytest.param(
            picture(service(UpdateStatus={"State": "paused", "Message": "m"}), task("running")),
            "shop_app: paused: m",
            id="update paused",
        ),
        pytest.param(
            picture(service(), task("pending", error="no suitable node")),
            "shop_app: 0 of 1 up, pending (no suitable node)",
            id="pending says why",
        ),
        pytest.param(
            picture(
                service(),
                *(task("rejected", id=f"t{n}", error="No such image: x", desired="shutdown") for n in "123"),
            ),
            "shop_app: rejected 3 times (No such image: x)",
            id="rejected again and again",
        ),
        pytest.param(
            picture(
                service(),
                *(task("rejected", id=f"t{n}", created=BEGAN - 9, desired="shutdown") for n in "123"),
                task("running", id="t4"),
            ),
            "converged",
            id="rejections of an earlier deploy do not count",
        ),
        pytest.param(
            picture(
                service(),
                task("failed", error="exit (1)", desired="shutdown"),
                task("ready", id="t2", created=NOW - 1),
            ),
            "shop_app: 0 of 1 up, ready (exit (1))",
            id="failed, another try under way",
        ),
        pytest.param(
            picture(service(), task("failed", error="exit (1)", desired="shutdown")),
            "shop_app: given up (exit (1))",
            id="failed for good",
        ),
        pytest.param(
            picture(service(), task("failed", error="exit (1)", desired="shutdown", at=NOW - 1)),
            "shop_app: 0 of 1 up, failed (exit (1))",
            id="failed a moment ago",
        ),
        pytest.param(
            picture(service(), task("complete", desired="shutdown")),
            "shop_app: given up (ended by itself with exit code 0, 1 of 1 tasks)",
            id="ended and not restarted",
        ),
        pytest.param(
            picture(
                service(),
                *(task("complete", id=f"t{n}", desired="shutdown", at=NOW - 1) for n in "12"),
                task("starting", id="t3", created=NOW - 1),
            ),
            "shop_app: 0 of 1 up, starting (ended by itself with exit code 0, 2 of 3 tasks)",
            id="ends again and again, in good order",
        ),
        pytest.param(
            picture(
                service(),
                task("complete", id="t0", desired="shutdown", spec=OLD_SPEC),
                task("starting", created=NOW - 1),
            ),
            "shop_app: 0 of 1 up, starting",
            id="what an update stopped did not end by itself",
        ),
        pytest.param(
            picture(service(**ON_FAILURE), task("complete", desired="shutdown")),
            "converged",
            id="ran to its end",
        ),
        pytest.param(picture(service(JOB), task("complete", desired="complete")), "converged", id="job done"),
        pytest.param(picture(service(JOB), task("running")), "shop_app: 0 of 1 completed", id="job at work"),
        pytest.param(
            picture(service({"Global": {}}, ServiceStatus={"DesiredTasks": 1}), task("running", slot=0)),
            "converged",
            id="global",
        ),
        pytest.param(
            picture(service({"Global": {}}, UpdatedAt=stamp(NOW - 1))),
            "shop_app: no task yet",
            id="global, fresh",
        ),
        pytest.param(picture(service({"Global": {}})), "converged", id="global, for no node"),
    ],
)
def test_a_service(seen: dict[str, Any], answer: str) -> None:
    assert outcome(seen) == answer


def test_a_service_that_is_not_there_is_waited_for() -> None:
    assert outcome(picture(service(), task("running")), "shop_app", "shop_db") == "shop_db: not there yet"


def test_a_time_with_nine_digits() -> None:
    assert seconds("1970-01-02T00:00:00.123456789Z") == pytest.approx(86400.123456789)
    assert seconds("1970-01-02T00:00:00Z") == 86400
