"""A machine on which the witnesses' host programs are answered from a script."""

import json
from typing import Any

from ccci_host.errors import CcciError
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import source
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table


def machine_answering(answers: dict[str, Any], **tables: Any) -> tuple[Machine, list[tuple[str, Any]]]:
    """A machine, and what was asked of it: name of the program and payload.

    `answers` is by program name; an answer may be an exception, or an ended command of its own.
    """
    asked: list[tuple[str, Any]] = []
    names = {source(name): name for name in ("store", "events", "registry")}

    def answer(argv: tuple[str, ...], sent: bytes) -> Completed:
        name = names[argv[3]]
        asked.append((name, json.loads(sent)))
        given = answers[name]
        if isinstance(given, Completed):
            return Completed(argv, given.exit_code, given.stdout, given.stderr, "the fake host")
        return completed(json.dumps(given))

    return fake_machine(FakeExecutor({"python3 -I -c": answer}), host_table(**tables)), asked


class Counter:
    """An instance of which only the interface's counter and the address are asked."""

    where = "the fake instance"

    def __init__(self, *values: int | CcciError, kind: str = "container", address: str = "10.0.0.2") -> None:
        self.kind = kind
        self._values = list(values)
        self._address = address

    def bytes_received(self) -> int:
        value = self._values.pop(0)
        if isinstance(value, CcciError):
            raise value
        return value

    def address(self) -> str:
        return self._address

    def addresses(self) -> tuple[str, ...]:
        return (self._address, "fd42::1:5")
