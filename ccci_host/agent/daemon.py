"""Docker's API over its unix socket.

Every answer is JSON. The API version is the lowest that serves us and that the daemon still speaks, so that
answers look alike from Docker 20.10 (1.41) on.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, Optional
from urllib.parse import quote, urlencode

from . import paths
from .problem import AgentError

LOWEST_API = (1, 41)
TIMEOUT = 60.0
"""Seconds that an answer may take. A removal of a large image on a slow disk is the slowest."""


class DaemonError(AgentError):
    """The daemon did not answer, or answered with an error. `status` is 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Daemon:
    """A Docker daemon, by the path of its socket."""

    def __init__(self, path: str = paths.SOCKET, timeout: float = TIMEOUT) -> None:
        self.path = path
        self.timeout = timeout
        self._connection: Optional[_Connection] = None
        self._version: Optional[str] = None

    def get(self, path: str, query: Optional[dict[str, Any]] = None) -> Any:
        """The JSON answer to a GET; raises `DaemonError`."""
        return self._ask("GET", path, query)

    def delete(self, path: str, query: Optional[dict[str, Any]] = None) -> Any:
        """The JSON answer to a DELETE; raises `DaemonError`, whose status 404 and 409 are part of life.

        It goes over a connection of its own: one that the daemon had closed would leave open whether it ran.
        """
        self.close()
        return self._ask("DELETE", path, query)

    def open_events(self, query: dict[str, Any]) -> http.client.HTTPResponse:
        """The open stream of events, a JSON object a line; it never times out. Raises `DaemonError`."""
        connection = _Connection(self.path, self.timeout)
        target = self._target("/events", query)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise DaemonError(f"The daemon's events cannot be read: {error}") from None
        if response.status != 200:
            raise DaemonError(f"The daemon refuses its events: {response.read()!r}", response.status)
        connection.sock.settimeout(None)
        return response

    def close(self) -> None:
        """Give up the connection; a later question opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def api_version(self) -> str:
        """The API version that is spoken, such as `1.41`; raises `DaemonError` when there is none for us."""
        if self._version is None:
            answer = self._exchange("GET", "/version")
            highest = _numbers(answer.get("ApiVersion"))
            if highest < LOWEST_API:
                raise DaemonError(
                    f"The daemon speaks API {answer.get('ApiVersion')}; 1.41 (Docker 20.10) is needed."
                )
            chosen = max(LOWEST_API, _numbers(answer.get("MinAPIVersion")))
            self._version = ".".join(str(number) for number in chosen)
        return self._version

    def _target(self, path: str, query: Optional[dict[str, Any]]) -> str:
        encoded = urlencode(
            {
                key: json.dumps(value) if isinstance(value, dict) else value
                for key, value in (query or {}).items()
            }
        )
        return f"/v{self.api_version}{quote(path, safe='/:@')}" + (f"?{encoded}" if encoded else "")

    def _ask(self, method: str, path: str, query: Optional[dict[str, Any]]) -> Any:
        return self._exchange(method, self._target(path, query))

    def _exchange(self, method: str, target: str) -> Any:
        fresh = self._connection is None
        try:
            status, body = self._send(method, target)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if fresh or method != "GET":
                raise DaemonError(
                    f"The daemon at {self.path} does not answer {method} {target}: {error}"
                ) from None
            return self._exchange(method, target)  # the kept connection had been closed by the daemon
        try:
            answer = json.loads(body) if body.strip() else None
        except ValueError:
            raise DaemonError(f"The daemon's answer to {method} {target} is no JSON.", status) from None
        if status >= 400:
            said = answer.get("message", "") if isinstance(answer, dict) else ""
            raise DaemonError(f"{method} {target}: {status} {said}".rstrip(), status)
        return answer

    def _send(self, method: str, target: str) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = _Connection(self.path, self.timeout)
        self._connection.request(method, target)
        response = self._connection.getresponse()
        return response.status, response.read()


def _numbers(version: Any) -> tuple[int, int]:
    major, _, minor = str(version or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
