"""A step: what it looks at, and what it would change."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ccci_host.config import HostTable
from ccci_host.facts.collector import Fact, Facts
from ccci_host.secret import Secret
from ccci_host.steps.operations import Operation
from ccci_host.transport.machine import Machine


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be so on a host."""

    host: str
    """Its name in the configuration."""
    config: HostTable
    pat: Secret
    nonce: str
    """Keys the comparison of logins; made anew for each run."""
    disable_pruners: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a step would do, and how it shows."""

    operation: Operation
    what: str
    """What is not as it should be, in a few words."""
    diff: str = ""
    """Unified text; empty where there is none to show."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step found, and what it would change; nothing, with the reason, when all is as it should be."""

    why: str
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is allowed and unwise."""
    problems: tuple[str, ...] = ()
    """What must not stay so and what the step will not change by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One subject of provisioning.

    `plan` is pure and raises `HostError` when the host is unfit. `prove` is asked before anything is changed,
    for what cannot be planned but has to hold; it returns warnings.
    """

    name: str
    after: tuple[str, ...]
    facts: Callable[[Wanted], tuple[Fact[Any], ...]]
    plan: Callable[[Facts, Wanted], Plan]
    prove: Callable[[Machine, Wanted], tuple[str, ...]] | None = None


def text_diff(path: str, before: str, after: str) -> str:
    """The unified diff of a file on the host."""
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        f"{path} (on the host)",
        f"{path} (of this checkout)",
        lineterm="",
    )
    return "\n".join(lines)
