"""Docker's API over its unix socket.

Every answer is JSON. The API version is the lowest that serves us and that the daemon still speaks, so that
answers look alike from Docker 20.10 (1.41) on. It is settled anew once the daemon refuses it: the watcher
outlives upgrades, and one may raise the lowest that is spoken (28 to 29: from 1.24 to 1.44).

Each question has a connection of its own and is asked in HTTP/1.0, whose answer ends where the daemon hangs
up: nothing is kept alive, nothing repeated. To import `http.client` costs more than all that a tick asks.
"""

from __future__ import annotations

import json
import socket
from typing import Any, BinaryIO, Optional
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


class Daemon:
    """A Docker daemon, by the path of its socket."""

    def __init__(self, path: str = paths.SOCKET, timeout: float = TIMEOUT) -> None:
        self.path = path
        self.timeout = timeout
        self._version: Optional[str] = None

    def get(self, path: str, query: Optional[dict[str, Any]] = None) -> Any:
        """The JSON answer to a GET; raises `DaemonError`."""
        return self._ask("GET", path, query)

    def delete(self, path: str, query: Optional[dict[str, Any]] = None) -> Any:
        """The JSON answer to a DELETE; raises `DaemonError`, whose status 404 and 409 are part of life."""
        return self._ask("DELETE", path, query)

    def open_events(self, query: dict[str, Any]) -> BinaryIO:
        """The stream of events, a JSON object a line. Raises `DaemonError`.

        One with an end (`until`) times out like any answer; one without may be silent for ever.
        """
        status, answer = self._begin("GET", self._target("/events", query), endless="until" not in query)
        if status != 200:
            self._version = None  # whatever the reason, the watcher's next try takes nothing for granted
            raise DaemonError(f"The daemon refuses its events: {answer.read()!r}", status)
        return answer

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
        """Ask; once more if it is refused and another version is spoken by now, for then nothing was done."""
        spoken = self.api_version
        try:
            return self._exchange(method, self._target(path, query))
        except DaemonError as error:
            if error.status != 400:
                raise
            self._version = None
            if self.api_version == spoken:
                raise
        return self._exchange(method, self._target(path, query))

    def _exchange(self, method: str, target: str) -> Any:
        status, answer = self._begin(method, target)
        try:
            with answer:
                body = answer.read()
        except OSError as error:
            raise self._silent(method, target, error) from None
        try:
            said = json.loads(body) if body or method == "GET" else None
        except ValueError:
            raise DaemonError(f"The daemon's answer to {method} {target} is no JSON.", status) from None
        if status >= 400:
            message = said.get("message", "") if isinstance(said, dict) else ""
            raise DaemonError(f"{method} {target}: {status} {message}".rstrip(), status)
        return said

    def _begin(self, method: str, target: str, *, endless: bool = False) -> tuple[int, BinaryIO]:
        """Ask; the status, and the answer from its body on. Raises `DaemonError`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(self.timeout)
            try:
                link.connect(self.path)
                link.sendall(f"{method} {target} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
                answer = link.makefile("rb")
                status = int(answer.readline().split()[1])
                while answer.readline().strip():
                    pass
            except (OSError, ValueError, IndexError) as error:
                raise self._silent(method, target, error) from None
            if endless:
                link.settimeout(None)
        return status, answer

    def _silent(self, method: str, target: str, error: Exception) -> DaemonError:
        return DaemonError(f"The daemon at {self.path} does not answer {method} {target}: {error}")


def _numbers(version: Any) -> tuple[int, int]:
    major, _, minor = str(version or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
