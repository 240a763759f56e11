"""Commands through Incus: once each, nothing left behind, and every way to lose an answer."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccci_host.errors import CommandTimeoutError, UnansweredError, UnreachableError
from ccci_host.transport import incus_exec
from ccci_host.transport.incus_api import AgentDownError, IncusApi
from ccci_host.transport.incus_exec import IncusExecutor
from tests.unit.transport.incus_stub import (
    HANG_UP,
    Answer,
    IncusStub,
    Reply,
    Request,
    ended,
    incus,
    refused,
    running,
    started,
    sync,
)

EXEC = "POST /1.0/instances/ci/exec"
WAIT = "GET /1.0/operations/op/wait"
OPERATION = "GET /1.0/operations/op"
FILES = "/1.0/instances/ci/files"
STDOUT = "/1.0/instances/ci/logs/exec-output/exec_op.stdout"
STDERR = "/1.0/instances/ci/logs/exec-output/exec_op.stderr"

AGENT_DOWN = refused("VM agent isn't currently running", 500)

GOOD: dict[str, Answer] = {
    EXEC: started(),
    WAIT: ended(),
    f"GET {STDOUT}": (200, b"out"),
    f"GET {STDERR}": (200, b"err"),
    f"DELETE {STDOUT}": sync({}),
    f"DELETE {STDERR}": sync({}),
}


@contextmanager
def executor(
    folder: Path, kind: str = "container", /, **changes: Answer
) -> Iterator[tuple[IncusExecutor, IncusStub]]:
    with incus(folder, {**GOOD, **changes}) as stub:
        api = IncusApi(stub.table)
        try:
            yield IncusExecutor(api, "ci", kind, "the instance"), stub
        finally:
            api.close()


def test_a_command_is_recorded_read_and_its_record_deleted(tmp_path: Path) -> None:
    with executor(tmp_path, **{WAIT: ended(3)}) as (ways, stub):
        done = ways.run(["hostname", "-f"])
        assert (done.exit_code, done.stdout, done.stderr) == (3, b"out", b"err")
        (request,) = stub.asked(EXEC)
        assert request.json == {
            "command": ["hostname", "-f"],
            "record-output": True,
            "wait-for-websocket": False,
        }
        assert request.query == {"project": "p"}
        assert len(stub.asked(f"DELETE {STDOUT}")) == len(stub.asked(f"DELETE {STDERR}")) == 1


def test_input_goes_into_memory_for_root_alone_and_never_into_the_argv(tmp_path: Path) -> None:
    with executor(tmp_path, **{f"POST {FILES}": sync({})}) as (ways, stub):
        ways.run(["cat", "-"], input=b"a secret")
        (put,) = stub.asked(f"POST {FILES}")
        path = put.query["path"]
        assert path.startswith("/run/ccci-")
        assert put.body == b"a secret"
        assert put.headers["x-incus-mode"] == put.headers["x-lxd-mode"] == "0600"
        assert put.headers["x-incus-uid"] == put.headers["x-incus-gid"] == "0"
        (request,) = stub.asked(EXEC)
        assert request.json["command"] == [
            "sh",
            "-c",
            incus_exec._CLEAR
            + '[ -f "$0" ] || { echo "$0" >&2; exit 66; }; '
            + 'exec 9<"$0" && rm -f "$0" && exec "$@" <&9 9<&-',
            path,
            "cat",
            "-",
        ]
        assert b"a secret" not in request.body


def test_an_input_that_a_killed_controller_left_goes_with_the_next(tmp_path: Path) -> None:
    """A login may be in it, which nobody else would find before the next boot."""
    names = {
        name: tmp_path / f"ccci-{name}" for name in ("a" * 32, "b" * 32, "c" * 32, "host-provision.lock")
    }
    for path in names.values():
        path.write_text("input")
    hours_ago = time.time() - 7200
    ours, left, others, lock = names.values()
    for path in (ours, left, lock):
        os.utime(path, (hours_ago, hours_ago))
    script = (incus_exec._CLEAR + incus_exec._OPEN_INPUT + incus_exec._BECOME).replace(
        "/run/", f"{tmp_path}/"
    )
    done = subprocess.run(["sh", "-c", script, str(ours), "cat"], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"input", b"")
    assert sorted(tmp_path.iterdir()) == [others, lock]


@pytest.mark.parametrize(("code", "reason"), [(127, "Command not found"), (126, "Command not executable")])
def test_a_command_that_cannot_start_has_an_exit_code(tmp_path: Path, code: int, reason: str) -> None:
    operation = ended(code, status="Failure", err=reason)
    silent: dict[str, Answer] = {f"GET {STDOUT}": (200, b""), f"GET {STDERR}": (200, b"")}
    with executor(tmp_path, **silent, **{WAIT: refused(reason), OPERATION: operation}) as (ways, _):
        done = ways.run(["x"])
        assert (done.exit_code, done.stderr) == (code, reason.encode())


@pytest.mark.parametrize("metadata", [None, {}, {"return": -1}])
def test_a_command_without_an_exit_code_is_nobodys_to_know(tmp_path: Path, metadata: object) -> None:
    lost = sync({"status": "Failure", "status_code": 400, "err": "it broke", "metadata": metadata})
    gone: dict[str, Answer] = {
        f"{method} {path}": refused("not found", 404)
        for method in ("GET", "DELETE")
        for path in (STDOUT, STDERR)
    }
    with (
        executor(tmp_path, **gone, **{WAIT: refused("it broke"), OPERATION: lost}) as (ways, _),
        pytest.raises(UnansweredError, match="ended without an exit code") as caught,
    ):
        ways.run(["x"])
    assert caught.value.details == "it broke"


def test_a_refused_command_was_not_run_and_says_why(tmp_path: Path) -> None:
    with (
        executor(tmp_path, **{EXEC: refused("Instance is frozen")}) as (ways, stub),
        pytest.raises(UnreachableError, match="Incus runs no command on the instance") as caught,
    ):
        ways.run(["x"])
    assert caught.value.details == "Instance is frozen"
    assert len(stub.asked(EXEC)) == 1


def test_a_command_whose_acknowledgement_is_lost_is_not_sent_again(tmp_path: Path) -> None:
    with executor(tmp_path, **{EXEC: HANG_UP}) as (ways, stub):
        with pytest.raises(UnreachableError):
            ways.run(["x"])
        assert len(stub.asked(EXEC)) == 1


def test_its_input_is_removed_when_the_command_may_not_have_been_started(tmp_path: Path) -> None:
    changes: dict[str, Answer] = {f"POST {FILES}": sync({}), f"DELETE {FILES}": sync({})}
    for answer in (HANG_UP, refused("Instance is frozen")):
        with executor(tmp_path, **changes, **{EXEC: answer}) as (ways, stub):
            with pytest.raises(UnreachableError):
                ways.run(["x"], input=b"secret")
            assert [each.query["path"] for each in stub.asked(f"DELETE {FILES}")] == [
                stub.asked(f"POST {FILES}")[0].query["path"]
            ]
        (tmp_path / "unix.socket").unlink()


def test_a_command_whose_input_a_boot_took_away_was_not_run(tmp_path: Path) -> None:
    with executor(tmp_path, **{f"POST {FILES}": sync({}), WAIT: ended(66)}) as (ways, stub):
        assert ways.run(["x"], input=b"secret").exit_code == 66, "the command's own"

        def complaint(_: Request) -> Reply:
            return 200, stub.asked(f"POST {FILES}")[-1].query["path"].encode() + b"\n"

        stub.script[f"GET {STDERR}"] = complaint
        with pytest.raises(UnreachableError, match="was not run: its input was gone"):
            ways.run(["x"], input=b"secret")


def test_its_input_is_removed_when_the_user_gives_up(tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    changes: dict[str, Answer] = {f"POST {FILES}": sync({}), f"DELETE {FILES}": sync({})}
    with executor(tmp_path, **changes) as (ways, stub), pytest.MonkeyPatch.context() as patch:
        patch.setattr(IncusApi, "post", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ways.run(["x"], input=b"secret")
        assert len(stub.asked(f"DELETE {FILES}")) == 1


def test_a_lost_answer_about_the_operation_is_asked_for_again(tmp_path: Path) -> None:
    answers: list[Reply] = [HANG_UP, HANG_UP, ended(5)]
    with executor(tmp_path, **{WAIT: answers}) as (ways, stub):
        assert ways.run(["x"]).exit_code == 5
        assert len(stub.asked(EXEC)) == 1


def test_only_answers_lost_in_a_row_count(tmp_path: Path) -> None:
    late = refused("context deadline exceeded")
    answers: list[Reply] = [HANG_UP, HANG_UP, late, HANG_UP, HANG_UP, ended(5)]
    changes: dict[str, Answer] = {WAIT: answers, OPERATION: running()}
    with executor(tmp_path, **changes) as (ways, _):
        assert ways.run(["x"]).exit_code == 5


def test_answers_that_stay_lost_end_it(tmp_path: Path) -> None:
    with (
        executor(tmp_path, **{WAIT: HANG_UP}) as (ways, stub),
        pytest.raises(UnansweredError, match="Nobody knows how `x` on the instance ended"),
    ):
        ways.run(["x"], timeout=60)
    assert len(stub.asked(WAIT)) == incus_exec.LOST_ANSWERS
    assert len(stub.asked(EXEC)) == 1


def test_an_operation_that_incus_has_forgotten_is_nobodys_to_know(tmp_path: Path) -> None:
    forgotten = refused("not found", 404)
    with (
        executor(tmp_path, **{WAIT: forgotten, OPERATION: forgotten}) as (ways, _),
        pytest.raises(UnansweredError, match="Nobody knows how"),
    ):
        ways.run(["x"], timeout=60)


def test_a_long_command_is_waited_for_in_pieces(tmp_path: Path) -> None:
    late = refused("context deadline exceeded")
    changes: dict[str, Answer] = {WAIT: [late, late, ended()], OPERATION: running()}
    with executor(tmp_path, **changes) as (ways, stub):
        assert ways.run(["x"], timeout=3600).ok
        assert {each.query["timeout"] for each in stub.asked(WAIT)} == {str(incus_exec.POLL)}


def test_a_command_that_takes_too_long_may_still_run_and_leaves_no_record(tmp_path: Path) -> None:
    late = refused("context deadline exceeded")
    with executor(tmp_path, **{WAIT: late, OPERATION: running()}) as (ways, stub):
        with pytest.raises(CommandTimeoutError, match="did not end in its time") as caught:
            ways.run(["x"], timeout=0.5)
        assert "may still run" in caught.value.resolution
        assert len(stub.asked(f"DELETE {STDOUT}")) == 1


def test_it_waits_for_the_agent_of_a_machine_that_is_booting(tmp_path: Path) -> None:
    with executor(tmp_path, **{EXEC: [AGENT_DOWN, started()]}) as (ways, stub):
        assert ways.run(["x"]).ok
        assert len(stub.asked(EXEC)) == 2


def test_it_waits_for_an_agent_that_incus_misses_after_it_took_the_command(tmp_path: Path) -> None:
    reason = "VM agent isn't currently running"
    failed = sync({"status": "Failure", "status_code": 400, "err": reason, "metadata": None})
    changes: dict[str, Answer] = {
        WAIT: [refused(reason), ended(4)],
        OPERATION: failed,
        f"GET {STDOUT}": [refused("not found", 404), (200, b"out")],
    }
    with executor(tmp_path, **changes) as (ways, stub):
        done = ways.run(["x"])
        assert (done.exit_code, done.stdout) == (4, b"out")
        assert len(stub.asked(EXEC)) == 2


def test_it_waits_for_the_agent_before_it_hands_over_input(tmp_path: Path) -> None:
    puts: list[Request] = []

    def put(request: Request) -> Reply:
        puts.append(request)
        return AGENT_DOWN if len(puts) == 1 else sync({})

    with executor(tmp_path, **{f"POST {FILES}": put}) as (ways, stub):
        assert ways.run(["x"], input=b"y").ok
        assert len(puts) == 2
        assert len(stub.asked(EXEC)) == 1


def test_an_agent_that_stays_away_is_a_clear_error(tmp_path: Path) -> None:
    with (
        executor(tmp_path, **{EXEC: AGENT_DOWN}) as (ways, _),
        pytest.raises(AgentDownError, match="The Incus agent in the instance does not run") as caught,
    ):
        ways.run(["x"], timeout=0.1)
    assert "was not run" in caught.value.details
    assert "incus console" in caught.value.resolution
