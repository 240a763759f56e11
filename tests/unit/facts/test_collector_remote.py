"""The collector, run as a program, on files of its own and a daemon of our making."""

import base64
import hashlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import PROGRAM
from ccci_host.facts.probes import (
    DockerGet,
    DockerGetEach,
    FileSystem,
    HashFile,
    ListFiles,
    Probe,
    ReadFile,
    RegistryLogins,
    RunCommand,
    SearchFiles,
)
from tests.unit.programs import interpreters, run

pytestmark = pytest.mark.parametrize("python", interpreters())


def ask(python: str, *probes: Probe[Any], socket: Path | None = None) -> list[Any]:
    program = PROGRAM.replace("/var/run/docker.sock", str(socket)) if socket else PROGRAM
    values = run(python, program, {"probes": [probe.wire() for probe in probes]})
    return [probe.read(value) for probe, value in zip(probes, values, strict=True)]


def test_present_empty_absent_and_unreadable_files_are_four_answers(python: str, tmp_path: Path) -> None:
    (tmp_path / "full").write_text("text")
    (tmp_path / "full").chmod(0o640)
    (tmp_path / "empty").touch()
    names = ("full", "empty", "none", ".")

    full, empty, none, folder = ask(python, *(ReadFile(str(tmp_path / name)) for name in names))

    assert (full.content, full.mode, full.path) == (b"text", 0o640, str(tmp_path / "full"))
    assert empty.content == b""
    assert none == Absent()
    assert isinstance(folder, Unreadable)


def test_a_file_below_a_file_is_absent(python: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert ask(python, ReadFile(str(tmp_path / "file" / "x"))) == [Absent()]


def test_a_pipe_is_unreadable_and_keeps_nobody_waiting(python: str, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")

    (answer,) = ask(python, ReadFile(str(tmp_path / "pipe")))

    assert isinstance(answer, Unreadable)


def test_a_hash_is_of_the_whole_file_however_large(python: str, tmp_path: Path) -> None:
    content = b"x" * (2 << 20)
    (tmp_path / "large").write_bytes(content)

    hashed, read = ask(python, HashFile(str(tmp_path / "large")), ReadFile(str(tmp_path / "large")))

    assert hashed.text == hashlib.sha256(content).hexdigest()
    assert isinstance(read, Unreadable)


def test_a_commands_exit_code_is_looked_at(python: str) -> None:
    ok, failed, accepted, missing = ask(
        python,
        RunCommand(("sh", "-c", "echo yes")),
        RunCommand(("sh", "-c", "echo why >&2; exit 3")),
        RunCommand(("sh", "-c", "echo degraded; exit 1"), accept=(0, 1)),
        RunCommand(("no-such-command",)),
    )

    assert ok.text == "yes\n"
    assert failed == Unreadable("sh ended with exit code 3: why")
    assert accepted.text == "degraded\n"
    assert missing == Absent()


def test_a_command_that_takes_too_long_is_unreadable(python: str) -> None:
    (answer,) = ask(python, RunCommand(("sleep", "60"), timeout=0.2))

    assert isinstance(answer, Unreadable)


def test_files_are_searched_one_script_deep(python: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\ndocker image prune\n")
    handed_over = tmp_path / "clean.py"
    handed_over.write_text("prune()\n")
    (tmp_path / "e.conf").write_text(f"/usr/bin/python3 {handed_over}")
    (tmp_path / "data").write_text("prune")
    (tmp_path / "a.conf").write_text(f"run {script} now")
    (tmp_path / "b.conf").write_text(f"{tmp_path}/data is no script")
    (tmp_path / "c.conf").write_text("prune here")
    (tmp_path / "d.conf").write_text("nothing")
    (tmp_path / "masked.conf").symlink_to("/dev/null")

    (found,) = ask(python, SearchFiles((f"{tmp_path}/*.conf",), "prune"))

    named = {"a": (str(script),), "c": (), "e": (str(handed_over),)}
    assert found.scripts == {f"{tmp_path}/{name}.conf": scripts for name, scripts in named.items()}
    assert set(found.files) == {*found.scripts, str(script), str(handed_over)}


def test_listing_names_broken_links_too(python: str, tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to("gone")
    (tmp_path / "a").touch()

    assert ask(python, ListFiles((f"{tmp_path}/*",))) == [(f"{tmp_path}/a", f"{tmp_path}/b")]


def test_logins_come_without_their_secrets(python: str, tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:pass:word").decode()
    config = {
        "auths": {"ghcr.io": {"auth": auth}, "x": {"identitytoken": "t0ken"}},
        "HttpHeaders": {"a": "head"},
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    path.chmod(0o600)

    (answer,) = ask(python, RegistryLogins(str(path), "nonce"))

    seen = json.loads(answer.content)
    assert seen["logins"]["ghcr.io"]["account"] == "me"
    assert answer.mode == 0o600
    for secret in (auth, "t0ken", "pass:word", "head"):
        assert secret not in answer.text


def test_nulls_in_a_docker_configuration_are_as_good_as_nothing(python: str, tmp_path: Path) -> None:
    config = {"auths": {"ghcr.io": {"auth": None}}, "credHelpers": None, "credsStore": None}
    (tmp_path / "config.json").write_text(json.dumps(config))

    (answer,) = ask(python, RegistryLogins(str(tmp_path / "config.json"), "nonce"))

    seen = json.loads(answer.content)
    assert (seen["credHelpers"], seen["credsStore"]) == ({}, "")
    assert seen["logins"]["ghcr.io"]["account"] == ""


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": []}', '{"credHelpers": "pass"}'])
def test_a_file_that_is_no_docker_configuration_is_unreadable(
    python: str, tmp_path: Path, content: str
) -> None:
    (tmp_path / "config.json").write_text(content)

    (answer,) = ask(python, RegistryLogins(str(tmp_path / "config.json"), "nonce"))

    assert isinstance(answer, Unreadable)


def test_a_file_system_is_measured(python: str, tmp_path: Path) -> None:
    here, nowhere = ask(python, FileSystem(str(tmp_path)), FileSystem(str(tmp_path / "none")))

    assert json.loads(here.content)["bytes"] > 0
    assert nowhere == Absent()


class Daemon(BaseHTTPRequestHandler):
    """A little of Docker's API."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        bodies = {
            "/info": (200, b'{"ID": "x"}'),
            "/services": (503, b'{"message": "This node is not a swarm manager."}'),
            "/containers/json?all=1": (
                200,
                b'[{"Id": "a", "Image": "prune"}, {"Id": "b"}, {"Id": "c-prune"}]',
            ),
            "/containers/a/json": (200, b'{"Name": "/a"}'),
        }
        status, body = bodies.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        return


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    with Server(str(tmp_path / "docker.sock"), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield tmp_path / "docker.sock"
        server.shutdown()
        thread.join()


def test_the_daemon_answers_or_says_why_not(python: str, daemon: Path) -> None:
    probes = (DockerGet("/info"), DockerGet("/services"), DockerGet("/nothing"))
    info, services, nothing = ask(python, *probes, socket=daemon)

    assert info == Present(b'{"ID": "x"}')
    assert isinstance(services, Unreadable)
    assert "503" in services.reason
    assert nothing == Absent()


def test_only_details_that_may_matter_are_fetched_and_what_ended_meanwhile_is_left_out(
    python: str, daemon: Path
) -> None:
    probe = DockerGetEach("/containers/json?all=1", "Id", "/containers/{}/json", "prune")

    (answer,) = ask(python, probe, socket=daemon)

    assert json.loads(answer.content) == [{"Name": "/a"}]


def test_a_dead_daemon_is_unreadable_and_no_socket_is_absent(python: str, tmp_path: Path) -> None:
    import socket

    dead = tmp_path / "dead.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(dead))
    listener.close()
    answers: list[Answer] = [
        *ask(python, DockerGet("/info"), socket=dead),
        *ask(python, DockerGet("/info"), socket=tmp_path / "none.sock"),
    ]

    assert isinstance(answers[0], Unreadable)
    assert answers[1] == Absent()
