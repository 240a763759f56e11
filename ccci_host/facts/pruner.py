"""What a competing pruner is, and what to do about one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ccci_host.facts.answers import Answer, Present
from ccci_host.prune_words import removal_words, removals

PrunerKind = Literal["unit", "user unit", "cron", "container", "service"]


@dataclass(frozen=True, slots=True)
class Pruner:
    """Something other than our agent that removes images from this host."""

    kind: PrunerKind
    name: str
    """Unit, file (with line), container or swarm service."""
    command: str
    """What removes images. Nothing else of the line where it stands, since that may hold a secret."""
    active: bool
    """Whether it will run again by itself."""
    remedy: str
    """The smallest change that ends it."""
    stop: tuple[tuple[str, ...], ...] = ()
    """Commands that make this change; none where only a person can."""

    @property
    def service(self) -> str:
        """A unit's own name, without what triggers it."""
        return self.name.partition(",")[0]

    def left_to_a_person(self, remedy: str) -> "Pruner":
        """The same, where to stop it would end other work too."""
        return replace(self, remedy=remedy, stop=())

    @property
    def summary(self) -> str:
        """Kind, name and command on one line."""
        state = "" if self.active else " (inactive)"
        return f"{self.kind} {self.name}{state}: {shortened(self.command)}"


@dataclass(frozen=True, slots=True)
class Audit:
    """All pruners found, and where nobody could look."""

    pruners: tuple[Pruner, ...]
    unreadable: tuple[str, ...]
    """What could not be looked at, with the reason; while there is any, "none" is not known."""

    @property
    def active(self) -> tuple[Pruner, ...]:
        """Those that will run again by themselves."""
        return tuple(pruner for pruner in self.pruners if pruner.active)


def shortened(command: str, limit: int = 160) -> str:
    """`command` on one line of at most `limit` characters."""
    line = " ".join(command.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def removal_in(text: str, scripts: Mapping[str, Answer]) -> str | None:
    """What removes images in `text`, or in a script that `text` names; or None."""
    direct = removals(text)
    if direct:
        return removal_words(direct[0])
    for path, script in scripts.items():
        named = re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w./-])", text)
        if named and isinstance(script, Present):
            inside = removals(script.text)
            if inside:
                return f"{path}: {removal_words(inside[0])}"
    return None
