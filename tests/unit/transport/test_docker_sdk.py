"""The docker SDK over an executor: its requests as they are, its answers whole, its failures in our words."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from ccci_host.errors import CommandFailedError, HostError, UnreachableError
from ccci_host.transport import docker_relay, docker_sdk
from ccci_host.transport.docker_sdk import open_docker
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed
from ccci_host.transport.local import LocalExecutor
from tests.fakes import FakeExecutor, completed
from tests.unit.transport.unix_http import chunked_answer, daemon, http_answer

VERSION = http_answer(b'{"ApiVersion": "1.45", "Version": "26.1.5"}')


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the daemon listens, or not: the relay program runs for real, on this machine."""
    monkeypatch.setattr(docker_sdk, "SOCKET", str(tmp_path / "docker.sock"))
    return tmp_path / "docker.sock"


def test_it_speaks_the_daemons_version(path: Path) -> None:
    script = {"GET /version": VERSION, "GET /v1.45/info": http_answer(b'{"Driver": "overlay2"}')}
    with daemon(path, script) as seen:
        client = open_docker(LocalExecutor())
        assert client.info() == {"Driver": "overlay2"}
    assert [request.split(b" ")[1] for request in seen] == [b"/version", b"/v1.45/info"]
    assert all(b"\r\nConnection: close\r\n" in request for request in seen)


def test_a_body_arrives_with_its_length(path: Path) -> None:
    script = {
        "GET /version": VERSION,
        "POST /v1.45/secrets/create": http_answer(b'{"ID": "s1"}', "201 Created"),
    }
    with daemon(path, script) as seen:
        assert open_docker(LocalExecutor()).secrets.create(name="pw", data=b"hush").id == "s1"
    head, _, body = seen[1].partition(b"\r\n\r\n")
    assert json.loads(body)["Name"] == "pw"
    assert f"Content-Length: {len(body)}".encode() in head


def test_a_secret_in_a_body_is_in_no_argv() -> None:
    def answer(argv: tuple[str, ...], content: bytes) -> Completed:
        return completed(VERSION if b"/version" in content else http_answer(b'{"ID": "s1"}', "201 Created"))

    host = FakeExecutor({"python3 -I -S -c": answer})
    open_docker(host).secrets.create(name="pw", data=b"hush")
    assert all("aHVzaA==" not in " ".join(argv) for argv, _ in host.runs)
    assert b"aHVzaA==" in host.runs[-1][1]


def test_events_that_end_are_read_chunk_by_chunk(path: Path) -> None:
    lines = [{"Type": "image", "Action": "pull"}, {"Type": "image", "Action": "delete"}]
    events = chunked_answer(*(json.dumps(line).encode() + b"\n" for line in lines))
    with daemon(path, {"GET /version": VERSION, "GET /v1.45/events?until=9": events}):
        assert list(open_docker(LocalExecutor()).events(until=9, decode=True)) == lines


def test_a_large_answer_in_chunks_is_whole(path: Path) -> None:
    body = json.dumps({"Driver": "x" * 3_000_000}).encode()
    chunks = [body[start : start + 32768] for start in range(0, len(body), 32768)]
    with daemon(path, {"GET /version": VERSION, "GET /v1.45/info": chunked_answer(*chunks)}):
        assert len(open_docker(LocalExecutor()).info()["Driver"]) == 3_000_000


def test_an_error_of_the_daemon_is_the_sdks_own(path: Path) -> None:
    missing = http_answer(b'{"message": "No such image: x"}', "404 Not Found")
    with (
        daemon(path, {"GET /version": VERSION, "GET /v1.45/images/x/json": missing}),
        pytest.raises(docker.errors.ImageNotFound, match="No such image: x"),
    ):
        open_docker(LocalExecutor()).images.get("x")


def test_an_answer_without_a_body_ends(path: Path) -> None:
    script = {"GET /version": VERSION, "DELETE /v1.45/services/s": b"HTTP/1.1 204 No Content\r\n\r\n"}
    with daemon(path, script):
        open_docker(LocalExecutor()).api.remove_service("s")  # type: ignore[no-untyped-call]  # docker's stubs


@pytest.mark.parametrize("deserted", [False, True])
def test_a_daemon_that_is_down_is_a_host_that_is_not_fit(path: Path, deserted: bool) -> None:
    if deserted:
        with daemon(path, {}):
            pass
    with pytest.raises(HostError, match="dockerd does not answer on this machine") as caught:
        open_docker(LocalExecutor())
    assert str(path) in caught.value.details
    assert "systemctl start docker" in caught.value.resolution


def test_a_daemon_that_hangs_up_is_none(path: Path) -> None:
    with (
        daemon(path, {"GET /version": b""}),
        pytest.raises(HostError, match="is no dockerd"),
    ):
        open_docker(LocalExecutor())


@pytest.mark.parametrize("lost", [6, 20])
def test_an_answer_that_breaks_off_is_none(path: Path, lost: int) -> None:
    for answer in (VERSION, chunked_answer(b'{"ApiVersion": "1.45", "Version": "26.1.5"}')):
        with (
            daemon(path, {"GET /version": answer[:-lost]}),
            pytest.raises(HostError, match="broke off in the middle of an answer"),
        ):
            open_docker(LocalExecutor())
        path.unlink()


@pytest.mark.parametrize("answer", [http_answer(b"{}"), http_answer(b"no"), http_answer(b"[]", "503 Later")])
def test_a_daemon_that_says_no_version_is_named(path: Path, answer: bytes) -> None:
    with (
        daemon(path, {"GET /version": answer}),
        pytest.raises(HostError, match="does not say which version it speaks"),
    ):
        open_docker(LocalExecutor())


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (UnreachableError("gone"), UnreachableError),
        (completed(stderr="Killed", exit_code=137), CommandFailedError),
    ],
)
def test_what_the_executor_meets_passes_through(failure: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_docker(FakeExecutor({"python3": failure}))


def test_an_exchange_has_the_clients_time() -> None:
    times: list[float] = []

    class Host(FakeExecutor):
        def run(self, argv: Any, *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
            times.append(timeout)
            return super().run(argv, input=input, timeout=timeout)

    host = Host({"python3": lambda argv, content: completed(VERSION)})
    open_docker(host, timeout=7).version()
    assert times == [7, 7]


def test_the_relay_says_who_did_not_answer(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"GET / HTTP/1.1\r\n\r\n")))
    assert docker_relay.main(str(path)) == docker_relay.NO_DAEMON
    assert capsys.readouterr().err == f"{path}: No such file or directory\n"
