"""The registry's own access log, where it can be read: every request, with account and bytes.

Sees all that the host asked the registries for, outside the daemon under test. Cannot see registries that
write no such log, and knows the host by its source address alone.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ccci_host.errors import CcciError
from ccci_host.records import Phase, RegistryRequest, RequestsSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import USER_AGENT


class LogStretch:
    """Remembers where the log ended."""

    def __init__(self, machine: Machine) -> None:
        self._problem: str | None = None
        self._source = ""
        self._path: Path | None = None
        self._offset = 0
        self._file = 0
        registry = machine.config.registry
        if registry is None:
            self._problem = "the configuration names no registry log for this host"
            return
        self._path = registry.access_log
        try:
            self._source = machine.instance.address()
            status = self._path.stat()
            self._offset, self._file = status.st_size, status.st_ino
        except OSError as error:
            self._problem = f"the registry's log cannot be read: {error.strerror}"
        except CcciError as error:
            self._problem = error.brief

    def end(self, phase: Phase, cycle: int) -> RequestsSeen:
        """The host's requests since then."""
        if self._problem is not None or self._path is None:
            return RequestsSeen(phase=phase, cycle=cycle, source=self._source, problem=self._problem)
        try:
            status = self._path.stat()
            with self._path.open("rb") as log:
                log.seek(self._offset)
                content = log.read()
        except OSError as error:
            problem = f"the registry's log cannot be read: {error.strerror}"
            return RequestsSeen(phase=phase, cycle=cycle, source=self._source, problem=problem)
        if status.st_ino != self._file or status.st_size < self._offset:
            problem = "the registry's log was truncated or replaced in between"
            return RequestsSeen(phase=phase, cycle=cycle, source=self._source, problem=problem)
        return parse(content, self._source, phase, cycle)


class RegistryLogWitness:
    """Reads what the registry wrote during a stretch."""

    def begin(self, machine: Machine) -> LogStretch:
        """Mark the log's end."""
        return LogStretch(machine)


def parse(content: bytes, source: str, phase: Phase, cycle: int) -> RequestsSeen:
    """The requests of the host at the address `source` among the log's lines."""
    requests: list[RegistryRequest] = []
    others = 0
    problem: str | None = None
    for raw in content.splitlines():
        try:
            value = json.loads(raw)
            if value["source"] != source:
                others += 1
            elif not str(value.get("user_agent") or "").startswith(USER_AGENT):
                requests.append(_request(value))
        except (ValueError, KeyError, TypeError, ValidationError):
            problem = "the registry's log holds a line that is no record of a request"
    return RequestsSeen(
        phase=phase, cycle=cycle, source=source, requests=tuple(requests), others=others, problem=problem
    )


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
