"""Incus: a server, and an instance on it seen from outside."""

import difflib
from collections.abc import Iterator
from typing import Any, NoReturn

import pylxd

from ccci_host.config import IncusTable
from ccci_host.errors import HostError, NotFoundError, UnreachableError
from ccci_host.transport.incus_api import NOT_FOUND, IncusApi, IncusRefusedError
from ccci_host.transport.incus_exec import IncusExecutor
from ccci_host.transport.incus_files import InstanceFiles

_GRACE = 30.0
"""Seconds that Incus gets beyond the system's own time to shut down."""


class IncusServer:
    """One Incus server in one project, connected. Give it up with `close()`."""

    def __init__(self, table: IncusTable) -> None:
        self._table = table
        self.api = IncusApi(table)
        self.where = self.api.where
        self.project = table.project

    @property
    def client(self) -> pylxd.Client:
        """pylxd's client, for what is not here; its exceptions are its own."""
        return self.api.client

    def instance(self, name: str) -> "IncusInstance":
        """The instance called `name`; raises `NotFoundError` saying where one of that or a like name is."""
        try:
            found = self.api.get("instances", name)
        except IncusRefusedError as error:
            if error.status == NOT_FOUND:
                self._not_found(name)
            raise
        return IncusInstance(self.api, name, found["type"])

    def names_by_project(self) -> dict[str, tuple[str, ...]]:
        """The names of all instances that we may see, by project."""
        names: dict[str, list[str]] = {}
        everywhere = IncusApi(self._table, all_projects=True)  # Incus refuses the listing to one project
        try:
            for found in everywhere.get("instances", params={"all-projects": "true", "recursion": "1"}):
                names.setdefault(found["project"], []).append(found["name"])
        finally:
            everywhere.close()
        return {project: tuple(sorted(each)) for project, each in names.items()}

    def close(self) -> None:
        """Give up the connections."""
        self.api.close()

    def _not_found(self, name: str) -> NoReturn:
        projects = sorted(found["name"] for found in self.api.get("projects", params={"recursion": "1"}))
        if self.project not in projects:
            raise NotFoundError(
                f"{self.where} has no project called {self.project!r}.",
                details=f"It has {', '.join(projects)}.",
                resolution="Set `project` in ccci.toml to the one that holds the instance.",
            )
        names = self.names_by_project()
        elsewhere = [project for project in sorted(names) if name in names[project]]
        if elsewhere:
            raise NotFoundError(
                f"There is no instance {name!r} in project {self.project!r} of {self.where}.",
                details=f"An instance of that name is in {' and in '.join(map(repr, elsewhere))}.",
                resolution="Set `project` in ccci.toml to the project that is meant.",
            )
        here = names.get(self.project, ())
        like = difflib.get_close_matches(name, here)
        raise NotFoundError(
            f"There is no instance {name!r} in project {self.project!r} of {self.where}.",
            details=f"Did you mean {' or '.join(map(repr, like))}?"
            if like
            else f"It holds {', '.join(here) or 'no instance at all'}.",
            resolution="Set `instance` in ccci.toml to one that exists (`incus list --all-projects`).",
        )


class IncusInstance:
    """A machine seen from outside; see `machine.Instance`."""

    def __init__(self, api: IncusApi, name: str, kind: str) -> None:
        self._api = api
        self.name = name
        self._kind = kind
        self._files = InstanceFiles(api, name)
        self._where = f"instance {name!r} (project {api.project!r}, {api.where})"

    @property
    def where(self) -> str:
        """Instance, project and server, for messages."""
        return self._where

    @property
    def kind(self) -> str:
        """`container` or `virtual-machine`."""
        return self._kind

    def status(self) -> str:
        """`Running`, `Stopped`, `Frozen`, … as Incus says it."""
        return str(self._state()["status"])

    def started_at(self) -> str:
        """When Incus last started it, ISO 8601."""
        return str(self._state()["started_at"])

    def pid(self) -> int:
        """The process id of its init or its QEMU on the Incus host; 0 when stopped."""
        return max(0, int(self._state()["pid"]))

    def bytes_received(self) -> int:
        """Bytes that came in over its network devices since it started.

        Raises `UnreachableError` when Incus shows none of them.
        """
        return sum(int(seen["counters"]["bytes_received"]) for seen in self._interfaces())

    def address(self) -> str:
        """Its first global IPv4 address; raises `UnreachableError` when it has none, or none yet."""
        for address in self._addresses():
            if ":" not in address:
                return address
        raise UnreachableError(
            f"Incus knows no IPv4 address of {self._where}.",
            resolution="Wait for its network, or set `address` under [host.….ssh] in ccci.toml.",
        )

    def addresses(self) -> tuple[str, ...]:
        """Its global addresses, IPv4 and IPv6; raises `UnreachableError` when it has none, or none yet."""
        found = tuple(self._addresses())
        if not found:
            raise UnreachableError(
                f"Incus knows no address of {self._where}.", resolution="Wait for its network."
            )
        return found

    def request_restart(self, *, force: bool, timeout: float) -> None:
        """Restart it, and return when Incus has; the system in it comes up after that.

        Graceful gives the system `timeout` seconds to shut down, and raises `HostError` when it does not.
        `force` stops it at once: a power cut for a virtual machine; a container's kernel lives on.
        """
        self._change("restart", force=force, timeout=timeout)

    def request_stop(self, *, force: bool, timeout: float) -> None:
        """Stop it, and return when it is stopped; as `request_restart` otherwise."""
        self._change("stop", force=force, timeout=timeout)

    def request_start(self, *, timeout: float) -> None:
        """Start it, and return when Incus has."""
        self._change("start", force=False, timeout=timeout)

    def request_freeze(self, *, timeout: float) -> None:
        """Hold every process in it."""
        self._change("freeze", force=False, timeout=timeout)

    def request_resume(self, *, timeout: float) -> None:
        """Let the processes of a frozen one go on."""
        self._change("unfreeze", force=False, timeout=timeout)

    def write_file(self, path: str, content: bytes, *, mode: int) -> None:
        """Put a file into it, owned by root, with `mode`; its folder must exist."""
        self._files.put(path, content, mode)

    def read_file(self, path: str) -> bytes:
        """The content of a file in it; raises `NotFoundError` when there is none, or it is a folder."""
        return self._files.get(path)

    def executor(self) -> IncusExecutor:
        """A way to run commands in it that needs nothing but Incus."""
        return IncusExecutor(self._api, self.name, self._kind, self._where)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._api.get("instances", self.name, "state")
        return state

    def _interfaces(self) -> list[dict[str, Any]]:
        """What Incus sees of the interfaces that the expanded devices name, found by hardware address."""
        ours = set(self._hardware_addresses())
        seen = [
            interface
            for _, interface in sorted((self._state()["network"] or {}).items())
            if interface["hwaddr"].lower() in ours
        ]
        if not seen:
            raise UnreachableError(
                f"Incus shows no network interface of {self._where}.",
                details=f"Its devices have the hardware addresses {', '.join(sorted(ours)) or '(none)'}.",
                resolution="It may be stopped or still booting; else give it a network device.",
            )
        return seen

    def _addresses(self) -> Iterator[str]:
        for interface in self._interfaces():
            for entry in interface["addresses"] or ():
                if entry["scope"] == "global":
                    yield str(entry["address"])

    def _hardware_addresses(self) -> Iterator[str]:
        found = self._api.get("instances", self.name)
        for device, settings in found["expanded_devices"].items():
            if settings["type"] == "nic":
                address = settings.get("hwaddr") or found["expanded_config"].get(f"volatile.{device}.hwaddr")
                if address:
                    yield address.lower()

    def _change(self, action: str, *, force: bool, timeout: float) -> None:
        body = {"action": action, "force": force, "timeout": max(1, round(timeout)), "stateful": False}
        started = self._api.put("instances", self.name, "state", body=body)
        ended = self._api.ended(started["metadata"]["id"], timeout + _GRACE)
        if ended is None or ended["status"] != "Success":
            raise HostError(
                f"Incus could not {action}{' by force' if force else ''} {self._where}.",
                details=str(ended["err"] or ended["status"])
                if ended
                else f"It was still at it after {timeout + _GRACE:.0f} s.",
                resolution=f"Look at it with `incus info {self.name} --show-log`.",
            )


def connect(table: IncusTable) -> IncusServer:
    """The server of `table`; see `IncusApi` for what it raises."""
    return IncusServer(table)
