"""Puts the probes of any number of facts to a host in one round trip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Generic, TypeVar, cast

from ccci_host.facts.probes import Probe
from ccci_host.transport.machine import Machine

T = TypeVar("T")
A = TypeVar("A")

PROGRAM = (resources.files(__package__) / "collector_remote.py").read_text()


class Answers:
    """What a host answered, by probe."""

    def __init__(self, by_probe: Mapping[Any, Any]) -> None:
        self._by_probe = by_probe

    def __getitem__(self, probe: Probe[A]) -> A:
        return cast(A, self._by_probe[probe])


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A subject: the probes it needs, and the pure function that reads their answers."""

    name: str
    probes: tuple[Probe[Any], ...]
    parse: Callable[[Answers], T]


class Facts:
    """What is so on a host, by fact. A fact that was not asked for is a `KeyError`."""

    def __init__(self, by_name: Mapping[str, Any]) -> None:
        self._by_name = by_name

    def __getitem__(self, fact: Fact[T]) -> T:
        return cast(T, self._by_name[fact.name])


def collect(machine: Machine, *facts: Fact[Any], timeout: float = 60.0) -> Facts:
    """Ask `machine` for all of `facts` at once, within `timeout` seconds.

    Raises `UnreachableError` when it cannot be reached and `HostError` when it has no usable Python; what
    the host cannot tell is an answer (`Unreadable`), not an exception.
    """
    probes: list[Probe[Any]] = list(dict.fromkeys(probe for fact in facts for probe in fact.probes))
    payload = {"probes": [probe.wire() for probe in probes]}
    values = machine.run_python(PROGRAM, payload, timeout=timeout, repeatable=True)
    answers = Answers({probe: probe.read(value) for probe, value in zip(probes, values, strict=True)})
    return Facts({fact.name: fact.parse(answers) for fact in facts})
