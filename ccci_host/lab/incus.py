"""The Incus API as the lab needs it: objects by path, operations waited for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from pylxd.exceptions import LXDAPIException

from ccci_host.config import IncusTable
from ccci_host.errors import HostError, NotFoundError, UnreachableError
from ccci_host.transport.incus_api import IncusApi
from ccci_host.waiting import wait_until

OPERATION_SECONDS = 300

_COMMAND = "Executing command"
"""What Incus calls the operation of an exec."""


class Incus:
    """A connection through the unix socket at `socket`, within `project`.

    Methods raise `NotFoundError` for what does not exist, `HostError` for what Incus refuses, and
    `UnreachableError` when no daemon answers.
    """

    def __init__(self, socket: Path, project: str = "default") -> None:
        self.socket = socket
        self.project = project
        table = IncusTable(endpoint=str(socket), instance="any", project=project)
        self._client = IncusApi(table).client

    def get(self, path: str) -> dict[str, Any]:
        """The object at `path`, which starts below `/1.0`."""
        answer: dict[str, Any] = self._ask("get", path).json()["metadata"]
        return answer

    def find(self, path: str) -> dict[str, Any] | None:
        """The object at `path`, or None."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def list(self, path: str) -> list[dict[str, Any]]:
        """The objects of the collection at `path`."""
        answer = self._ask("get", path, params={"recursion": 1}).json()["metadata"]
        return list(answer or ())  # Incus says null for some empty collections

    def create(self, path: str, body: Mapping[str, Any]) -> None:
        """Add an object to the collection at `path`."""
        self._finish(self._ask("post", path, json=body))

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Change some keys of the object at `path`."""
        self._finish(self._ask("patch", path, json=body))

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Set the object at `path`."""
        self._finish(self._ask("put", path, json=body))

    def delete(self, path: str) -> None:
        """Remove the object at `path`; none is as well."""
        try:
            self._finish(self._ask("delete", path))
        except NotFoundError:
            return

    def import_image(self, tarball: Path) -> str:
        """Upload the image in `tarball`, its metadata inside; returns its fingerprint."""
        with tarball.open("rb") as file:
            operation = self._finish(self._ask("post", "images", data=file))
        return str(operation["metadata"]["fingerprint"])

    def settle(self, instance: str) -> None:
        """Wait until Incus has made or changed `instance`, as somebody who may be dead by now asked it to.

        Commands that run in it are not waited for: they may never end.
        """
        wait_until(
            lambda: None if self._is_busy_with(instance) else True,
            what=f"Incus to end what it is doing with {instance}",
            timeout=OPERATION_SECONDS,
        )

    def _is_busy_with(self, instance: str) -> bool:
        answer = self._ask("get", "operations", params={"recursion": 1}).json()["metadata"]
        return any(
            urlsplit(resource).path == f"/1.0/instances/{instance}"
            for operation in (answer or {}).get("running", ())
            if operation["description"] != _COMMAND
            for resource in (operation["resources"] or {}).get("instances", ())
        )

    def make_folder(self, instance: str, path: str, *, mode: int = 0o755) -> None:
        """Make a folder of root's in an instance; its parent must exist."""
        headers = {"X-Incus-type": "directory", "X-Incus-mode": f"{mode:04o}"}
        headers |= {"X-Incus-uid": "0", "X-Incus-gid": "0"}
        self._ask("post", f"instances/{instance}/files", params={"path": path}, headers=headers)

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        node = self._client.api
        for part in filter(None, path.split("/")):
            node = node[part]
        try:
            return getattr(node, method)(**arguments)
        except LXDAPIException as error:
            problem = NotFoundError if error.response.status_code == 404 else HostError
            raise problem(f"Incus answers to {method.upper()} {path}: {error}") from None
        except (requests.RequestException, OSError) as error:
            raise UnreachableError(
                f"The Incus daemon at {self.socket} is gone.", details=str(error)
            ) from None

    def _finish(self, response: Any) -> dict[str, Any]:
        answer = response.json()
        if answer.get("type") != "async":
            return {}
        identity = answer["metadata"]["id"]
        operation = wait_until(
            lambda: self._ended(identity),
            what=f"Incus: {answer['metadata']['description'].lower()}",
            timeout=OPERATION_SECONDS,
        )
        if operation["status_code"] != 200:
            raise HostError(f"Incus failed at {operation['description'].lower()}: {operation['err']}")
        return operation

    def _ended(self, operation: str) -> dict[str, Any] | None:
        """The operation once it has ended; asked in short stretches: pylxd's socket gives up after 60 s."""
        path = f"operations/{operation}"
        try:
            answer = self._ask("get", f"{path}/wait", params={"timeout": 20}).json()["metadata"]
        except HostError:  # the end of our patience is an error, too: ask which it is
            answer = self.get(path)
        return answer if answer["status_code"] >= 200 else None
