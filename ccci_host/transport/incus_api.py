"""One request to Incus' REST API at a time, through pylxd, with errors in this project's words."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pylxd
import pylxd.exceptions
import requests

from ccci_host.config import IncusTable
from ccci_host.errors import CcciError, HostError, UnreachableError
from ccci_host.transport.incus_session import open_session

CONNECT_TIMEOUT = 10.0
"""Seconds until a server that does not take the connection counts as unreachable."""

ANSWER_TIMEOUT = 60.0
"""Seconds that a request may take when its caller does not say."""

NOT_FOUND = 404
"""HTTP status of what is not there."""

AGENT_DOWN = "VM agent isn't currently running"
"""What Incus says of a virtual machine that is still booting, in a refusal or as an operation's error."""

_FINAL = 200
"""Incus' status codes of an operation from here on are final."""

Params = Mapping[str, str]
_NONE: Params = MappingProxyType({})

logging.getLogger("ws4py").setLevel(logging.CRITICAL + 1)  # pylxd's websocket library logs on its own
warnings.filterwarnings("ignore", module=r"pylxd\.")  # attributes that Incus has and LXD had not


class IncusRefusedError(HostError):
    """Incus answered, and the answer is an error. `status` is HTTP's, `reason` is Incus' own sentence."""

    def __init__(self, server: str, status: int, reason: str) -> None:
        super().__init__(f"{server} refused: {reason or f'HTTP status {status}'}")
        self.status = status
        self.reason = reason


class AgentDownError(UnreachableError):
    """The agent in a virtual machine does not run, or not yet; nothing was done."""


class IncusApi:
    """The API of one server, in the project of `table` or, with `all_projects`, in none.

    Every method raises `IncusRefusedError` when Incus answers with an error, and `UnreachableError` when no
    answer came: of a request that changes something nobody then knows whether it was carried out.
    """

    def __init__(self, table: IncusTable, *, all_projects: bool = False) -> None:
        self.where = f"Incus at {table.endpoint}"
        self.project = table.project
        session = open_session(table)
        with self._errors_explained():
            self.client = pylxd.Client(
                endpoint=table.endpoint,
                session=session,
                project=None if all_projects else table.project,
                timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUT),
            )
        if not self.client.trusted:
            raise UnreachableError(
                f"{self.where} does not trust the client certificate {table.client_cert}.",
                resolution="Give the server a copy of it: `incus config trust add-certificate FILE`. "
                "One that has expired (`openssl x509 -enddate -noout -in FILE`) is not trusted either.",
            )

    def get(self, *path: str, params: Params = _NONE, timeout: float = ANSWER_TIMEOUT) -> Any:
        """The `metadata` of the object at `/1.0/` + `path`."""
        with self._errors_explained():
            timeouts = (CONNECT_TIMEOUT, timeout)
            return self._node(path).get(params=dict(params), timeout=timeouts).json()["metadata"]

    def get_raw(self, *path: str, params: Params = _NONE) -> tuple[bytes, dict[str, str]]:
        """The bytes at `path`, a file of the instance or a recorded output, and the response's headers."""
        with self._errors_explained():
            response = self._node(path).get(params=dict(params), is_api=False)
            return response.content, {name.lower(): value for name, value in response.headers.items()}

    def post(self, *path: str, body: Any) -> dict[str, Any]:
        """The whole answer to `body`, sent to `path` as JSON. Sent once, whatever happens."""
        with self._errors_explained():
            answer: dict[str, Any] = self._node(path).post(json=body).json()
            return answer

    def post_raw(
        self, *path: str, params: Params = _NONE, content: bytes, headers: Mapping[str, str]
    ) -> None:
        """Send `content` as it is."""
        with self._errors_explained():
            self._node(path).post(params=dict(params), data=content, headers=dict(headers))

    def put(self, *path: str, body: Any) -> dict[str, Any]:
        """The whole answer to `body`, put to `path`."""
        with self._errors_explained():
            answer: dict[str, Any] = self._node(path).put(json=body).json()
            return answer

    def delete(self, *path: str, params: Params = _NONE) -> None:
        """Delete what is at `path`."""
        with self._errors_explained():
            self._node(path).delete(params=dict(params))

    def ended(self, operation: str, patience: float) -> dict[str, Any] | None:
        """The operation with this id if it ends within `patience` seconds, well or not; else None.

        Raises `IncusRefusedError` when Incus does not know it: it was started again since, or the operation
        ended a while ago.
        """
        try:
            found: dict[str, Any] = self.get(
                "operations",
                operation,
                "wait",
                params={"timeout": str(max(1, math.ceil(patience)))},
                timeout=patience + ANSWER_TIMEOUT,
            )
        except (IncusRefusedError, AgentDownError):  # its error, or the end of our patience: ask which
            found = self.get("operations", operation)
        return found if found["status_code"] >= _FINAL else None

    def close(self) -> None:
        """Give up the connections."""
        self.client.api.session.close()

    def _node(self, path: tuple[str, ...]) -> Any:
        node = self.client.api
        for segment in path:
            node = node[quote(segment, safe="")]
        return node

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except CcciError:
            raise
        except pylxd.exceptions.LXDAPIException as error:
            reason = _reason(error)
            if AGENT_DOWN in reason:
                raise AgentDownError(
                    f"{self.where} does not reach the agent in the virtual machine.", details=reason
                ) from None
            raise IncusRefusedError(self.where, error.response.status_code, reason) from None
        except (ValueError, KeyError) as error:  # requests' own JSON error is a ValueError too
            raise UnreachableError(
                f"{self.where} answers, but not as Incus does.",
                details=repr(error),
                resolution="Check that `endpoint` in ccci.toml is an Incus server.",
            ) from None
        except (pylxd.exceptions.ClientConnectionFailed, requests.RequestException, OSError) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: BaseException) -> UnreachableError:
        causes = [str(cause) for cause in _chain(error)]
        if any("fingerprint" in cause.lower() for cause in causes):
            return UnreachableError(
                f"{self.where} shows another certificate than the pinned one.",
                details=causes[-1],
                resolution="Either it is not your server, or its certificate was renewed: compare it on the "
                "server itself, then save it as `server_cert`.",
            )
        return UnreachableError(
            f"{self.where} does not answer.",
            details=causes[-1],
            resolution="Check that the Incus daemon runs and that `endpoint` in ccci.toml is right.",
        )


def _reason(error: pylxd.exceptions.LXDAPIException) -> str:
    try:
        return str(error).strip()
    except UnicodeDecodeError:
        return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what lies under it, the root last: libraries wrap, the root says what happened."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        wrapped = next((part for part in current.args if isinstance(part, BaseException)), None)
        current = wrapped or getattr(current, "reason", None) or current.__cause__ or current.__context__
        if not isinstance(current, BaseException):
            current = None
