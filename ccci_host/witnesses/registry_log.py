"""The registry's own access log, where it can be read: every request, with account and bytes.

Sees all that the host asked the registries for, outside the daemon under test. Cannot see registries that
write no such log, and knows the host by its source addresses alone.
"""

import json
import os
from collections.abc import Collection
from ipaddress import ip_address
from typing import Any, BinaryIO

from pydantic import ValidationError

from ccci_host.errors import CcciError
from ccci_host.records import Phase, RegistryRequest, RequestsSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import USER_AGENT

MARK_BYTES = 256
"""So much before the log's end is remembered, to know it again."""


class LogStretch:
    """Remembers where the log ended, and keeps it open, so that another file cannot pass for it."""

    def __init__(self, machine: Machine) -> None:
        self._problem: str | None = None
        self._sources: tuple[str, ...] = ()
        self._log: BinaryIO | None = None
        registry = machine.config.registry
        if registry is None:
            self._problem = "the configuration names no registry log for this host"
            return
        self._path = registry.access_log
        try:
            self._sources = machine.instance.addresses()
            self._log = self._path.open("rb")
            self._offset = self._log.seek(0, os.SEEK_END)
            self._mark = self._before()
        except OSError as error:
            self._problem = _unreadable(error)
        except CcciError as error:
            self._problem = error.brief

    def end(self, phase: Phase, cycle: int) -> RequestsSeen:
        """The host's requests since then."""
        content = b""
        if self._log is not None:
            with self._log:
                content = self._since()
        if self._problem is not None:
            source = ", ".join(self._sources)
            return RequestsSeen(phase=phase, cycle=cycle, source=source, problem=self._problem)
        return parse(content, self._sources, phase, cycle)

    def _since(self) -> bytes:
        assert self._log is not None  # noqa: S101 - its one caller has looked
        try:
            if not os.path.samestat(os.fstat(self._log.fileno()), self._path.stat()):
                self._problem = "the registry's log was replaced in between"
            elif self._before() != self._mark:
                self._problem = "the registry's log was truncated in between"
            self._log.seek(self._offset)
            return self._log.read()
        except OSError as error:
            self._problem = _unreadable(error)
            return b""

    def _before(self) -> bytes:
        """The bytes right before where the stretch begins."""
        assert self._log is not None  # noqa: S101 - its callers have looked
        start = max(0, self._offset - MARK_BYTES)
        self._log.seek(start)
        return self._log.read(self._offset - start)


def _unreadable(error: OSError) -> str:
    return f"the registry's log cannot be read: {error.strerror}"


class RegistryLogWitness:
    """Reads what the registry wrote during a stretch."""

    def begin(self, machine: Machine) -> LogStretch:
        """Mark the log's end."""
        return LogStretch(machine)


def parse(content: bytes, sources: Collection[str], phase: Phase, cycle: int) -> RequestsSeen:
    """The requests of the host, which has the addresses `sources`, among the log's lines."""
    requests: list[RegistryRequest] = []
    own = set(map(_canonical, sources))
    others = 0
    problem: str | None = None
    for raw in content.splitlines():
        try:
            value = json.loads(raw)
            if _canonical(value["source"]) not in own:
                others += 1
            elif not str(value.get("user_agent") or "").startswith(USER_AGENT):
                requests.append(_request(value))
        except (ValueError, KeyError, TypeError, ValidationError):
            problem = "the registry's log holds a line that is no record of a request"
    return RequestsSeen(
        phase=phase,
        cycle=cycle,
        source=", ".join(sources),
        requests=tuple(requests),
        others=others,
        problem=problem,
    )


def _canonical(address: str) -> str:
    """An address in the one form that it is compared in: IPv6 has many, and may hold an IPv4 one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(getattr(known, "ipv4_mapped", None) or known)


def _request(value: dict[str, Any]) -> RegistryRequest:
    return RegistryRequest(
        at=value["time"],
        registry=value["registry"],
        account=value.get("account"),
        method=value["method"],
        what=value["kind"],
        repository=value.get("repository") or "",
        reference=value.get("reference") or "",
        digest=value.get("digest"),
        status=value["status"],
        bytes=value["bytes"],
        user_agent=value.get("user_agent") or "",
    )


WITNESS = RegistryLogWitness()
