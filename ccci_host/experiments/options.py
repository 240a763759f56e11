"""What an experiment is asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from ccci_host.records import Option, Phase

PauseBefore = Literal["teardown", "reboot", "redeploy", "controls"]
PAUSES: tuple[str, ...] = get_args(PauseBefore)

Point = tuple[Literal["before", "amid", "done", "after"], Phase]
"""A point of a run. `before` is in the phase, when nothing of it is done; `amid` likewise, once those who
count have begun to; `done` is when all of it is done and those who count have yet to read what they counted;
`after` is when it has ended, however that was."""


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of one experiment. Which recipe and deployer: those named here, else the host's."""

    task: str
    argv: tuple[str, ...] = ()
    recipe: str | None = None
    deployer: str | None = None
    forced_stop: bool = False
    cycles: int = 1
    pause_before: PauseBefore | None = None
    wait_for_person: Callable[[str, Callable[[], None]], None] | None = field(default=None, compare=False)
    """Says why it waits and returns when the person is ready; None: nobody is there. Calls the second now and
    then, for what must not lapse meanwhile."""
    onlooker: Callable[[Point], None] | None = field(default=None, compare=False)
    """Told of each point of the run, which goes on when it returns: it is there that faults come in."""
    boot_timeout: float = 300.0
    """Seconds that the machine may take from the restart's request until it is ready."""

    def recorded(self) -> dict[str, Option]:
        """The options as a history keeps them."""
        apart = ("task", "argv", "wait_for_person", "onlooker")
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in apart}
