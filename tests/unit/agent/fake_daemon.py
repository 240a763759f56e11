"""A Docker daemon on a unix socket: a host of `hosts.py` that answers, deletes as its store does, can fail.

It answers what the agent asks and fails on anything else.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.unit.agent.hosts import FakeHost, FakeImage, digest_of

LISTINGS = {
    "/info": "info",
    "/images/json": "images",
    "/containers/json": "containers",
    "/services": "services",
    "/tasks": "tasks",
}

PATIENCE = 5.0
"""Seconds after which a daemon that hangs breaks off by itself."""


class FakeDaemon:
    """What the daemon does and what it was asked to delete."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.asked: list[str] = []
        """API paths of every GET."""
        self.deleted: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.broken: dict[str, int] = {}
        """API path → status that it answers from now on."""
        self.before_delete: Callable[[str], None] = lambda reference: None
        """Called with each reference before it goes: the world moves on in the middle of a sweep."""
        self.full: Callable[[], bool] = lambda: False
        """Whether the engine has no block left for the list of names that it writes before it deletes."""
        self.greedy: str = ""
        """Name of an image that goes along with whatever is deleted."""
        self.lowest = "1.24"
        """The lowest API version that it speaks; an upgrade raises it."""
        self.buffer: list[dict[str, Any]] = []
        self.live: list[dict[str, Any]] = []
        """Events that the open stream gives, after which it is closed."""
        self.hangs: str = ""
        """`at once`: it takes every question and answers none. `in past events`: it begins that answer, and
        goes no further."""

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """The answer to a GET."""
        self.asked.append(path)
        if path in self.broken:
            return self.broken[path], {"message": "broken by the test"}
        snapshot = self.host.snapshot()
        if path == "/version":
            return 200, {**snapshot.answers["version"], "MinAPIVersion": self.lowest}
        if path in LISTINGS:
            if path in ("/services", "/tasks") and self.host.swarm != "manager":
                return 503, {"message": "This node is not a swarm manager."}
            return 200, snapshot.answers[LISTINGS[path]]
        if path.startswith("/images/") and path.endswith("/json"):
            inspect = snapshot.answers["image_inspect"].get(path.split("/")[2])
            return (200, inspect) if inspect else (500, {"message": "content is missing"})
        if path.startswith("/services/"):
            found = [raw for raw in self.host.services if raw["ID"] == path.split("/")[2]]
            return (200, found[0]) if found else (404, {"message": "no such service"})
        if path == "/events":
            return 200, self.buffer if "until" in query else self.live
        if path == "/system/df":
            return 200, {"LayersSize": 10, "Containers": [], "Volumes": [], "BuildCache": []}
        raise AssertionError(f"unscripted question: GET {path}")

    def refuse(self, _: str, __: dict[str, list[str]]) -> tuple[int, Any]:
        """The answer to whatever is asked in a version that it does not speak."""
        return 400, {"message": f"client version is too old. Minimum supported API version is {self.lowest}"}

    def delete(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Delete a reference, or an image by its id, with what the store takes along."""
        reference = path.removeprefix("/images/")
        self.queries.append(query)
        self.before_delete(reference)
        image = next((image for image in self.host.images if reference in self.names(image.name)), None)
        if image is None:
            return 404, {"message": f"No such image: {reference}"}
        if any(container["ImageID"] == self.host.id(image.name) for container in self.host.containers):
            return 409, {"message": "conflict: image is being used"}
        if self.full():
            self._forget(image, reference)  # all the same, until the engine restarts (measured, 26.1.5)
            return 500, {"message": "write /root/image/.tmp-repositories.json1: no space left on device"}
        self.deleted.append(reference)
        gone = [reference]
        self._forget(image, reference)
        if not image.tags and (not image.pulled or "@" not in reference):
            self.host.remove(image.name)
            gone.append(self.host.id(image.name))
        if self.greedy:
            self.host.remove(self.greedy)
        return 200, [{"Untagged": name} for name in gone]

    def _forget(self, image: FakeImage, reference: str) -> None:
        if "@" in reference:
            repository = reference.partition("@")[0].partition(":")[0]
            image.pulled = tuple(tag for tag in image.pulled if tag.rpartition(":")[0] != repository)
            if self.host.store == "containerd":
                image.tags = tuple(tag for tag in image.tags if tag.rpartition(":")[0] != repository)
        else:
            image.tags = tuple(tag for tag in image.tags if tag != reference)

    def names(self, image: str) -> set[str]:
        """What a DELETE may call an image."""
        listed = next(
            raw for raw in self.host.snapshot().answers["images"] if raw["Id"] == self.host.id(image)
        )
        return {listed["Id"], *listed["RepoTags"], *listed["RepoDigests"], digest_of(image)}


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextmanager
def serving(daemon: FakeDaemon, socket: Path) -> Iterator[FakeDaemon]:
    """The daemon answers on `socket`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(daemon.get)

        def do_DELETE(self) -> None:
            self.reply(daemon.delete)

        def reply(self, answer: Callable[[str, dict[str, list[str]]], tuple[int, Any]]) -> None:
            target = urlsplit(self.path)
            path = unquote(target.path)
            if path.startswith("/v1."):
                version, path = path[2 : path.index("/", 1)], path[path.index("/", 1) :]
                if int(version.partition(".")[2]) < int(daemon.lowest.partition(".")[2]):
                    answer = daemon.refuse
            if daemon.hangs == "at once":
                self.hang()
                return
            status, content = answer(path, parse_qs(target.query))
            body = json.dumps(content).encode()
            if path == "/events" and status == 200:
                body = b"".join(json.dumps(event).encode() + b"\n" for event in content)
            self.send_response(status)
            if daemon.hangs == "in past events" and path == "/events" and "until" in target.query:
                self.end_headers()
                self.hang()
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def hang(self) -> None:
            """Say nothing until the other side has gone; for so long at most that a test can fail."""
            self.connection.settimeout(PATIENCE)
            self.close_connection = True
            with suppress(TimeoutError):
                self.connection.recv(1)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

        def address_string(self) -> str:
            return "the agent"

    server = _Server(str(socket), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield daemon
    finally:
        server.shutdown()
        server.server_close()
