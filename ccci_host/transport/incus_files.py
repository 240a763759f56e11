"""Files in an instance, through Incus."""

from collections.abc import Callable
from typing import TypeVar

from ccci_host.errors import NotFoundError, WaitTimeoutError
from ccci_host.transport.incus_api import NOT_FOUND, IncusApi, IncusRefusedError
from ccci_host.waiting import wait_until

T = TypeVar("T")

HELPER_PATIENCE = 5.0
"""Seconds in which Incus' helper for files may be gone before that counts as an error."""

_HELPER = "forkfile.sock"
"""Its socket, which stands in the error of a request that met the helper as it ended (it does when idle)."""


class InstanceFiles:
    """The files of one instance, as root. A whole file is put or read, so a request may be repeated."""

    def __init__(self, api: IncusApi, instance: str) -> None:
        self._api = api
        self._path = ("instances", instance, "files")

    def put(self, path: str, content: bytes, mode: int) -> None:
        """Make or replace the file at `path`, with `mode`; its folder must exist."""
        # in Incus' spelling, and in LXD's for servers that know only that
        words = {"uid": "0", "gid": "0", "mode": f"{mode:04o}", "type": "file"}
        headers = {
            f"X-{server}-{word}": value for server in ("Incus", "LXD") for word, value in words.items()
        }
        self._with_helper(
            lambda: self._api.post_raw(*self._path, params={"path": path}, content=content, headers=headers)
        )

    def get(self, path: str) -> bytes:
        """The content of the file at `path`; raises `NotFoundError` when there is none, or it is a folder."""
        try:
            content, headers = self._with_helper(
                lambda: self._api.get_raw(*self._path, params={"path": path})
            )
        except IncusRefusedError as error:
            if error.status == NOT_FOUND or "no such file" in error.reason.lower():
                raise NotFoundError(f"There is no file {path}.", details=error.brief) from None
            raise
        if "directory" in (headers.get("x-incus-type"), headers.get("x-lxd-type")):
            raise NotFoundError(f"{path} is a folder, not a file.")
        return content

    def remove(self, path: str) -> None:
        """Remove the file at `path`."""
        self._with_helper(lambda: self._api.delete(*self._path, params={"path": path}))

    def _with_helper(self, request: Callable[[], T]) -> T:
        refusals: list[IncusRefusedError] = []

        def ask() -> tuple[T] | None:
            try:
                return (request(),)
            except IncusRefusedError as error:
                if _HELPER not in error.reason:
                    raise
                refusals.append(error)
                return None

        try:
            (answer,) = wait_until(ask, what="Incus' helper for files", timeout=HELPER_PATIENCE)
        except WaitTimeoutError:
            raise refusals[-1] from None
        return answer
