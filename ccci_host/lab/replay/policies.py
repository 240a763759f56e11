"""The four ways of pruning. Each is a function that is called whenever its timer would be."""

from collections.abc import Callable
from dataclasses import dataclass

from ccci_host import prune
from ccci_host.agent import paths, policy
from ccci_host.faults.prune_all import FAULT as PRUNE_ALL
from ccci_host.transport.machine import Machine

HIGH, LOW = 80, 70
"""Percent of the disk: where pressure begins, and where a sweep of ours ends."""
PRUNING = 300.0
"""Seconds that a prune may take."""
DAYS_IDLE = 30
"""The usual `idle_after`; every other age keeps its proportion to it."""
HOURS_YOUNG = 72


@dataclass(frozen=True, slots=True)
class Tick:
    """The moment at which a policy may act."""

    used_percent: float
    idle_after: float
    """Seconds that stand for 30 days: those since the night before last began."""

    @property
    def pressed(self) -> bool:
        """Whether the disk is short."""
        return self.used_percent >= HIGH

    @property
    def day(self) -> float:
        """Seconds that stand for 24 hours."""
        return self.idle_after / DAYS_IDLE


Act = Callable[[Machine, Tick], None]


@dataclass(frozen=True, slots=True)
class Policy:
    """One way, with the words that the page and the picture have for it."""

    key: str
    command: str
    """As one would name it in a table; Markdown."""
    short: str
    act: Act


def prune_everything(machine: Machine, tick: Tick) -> None:
    """On pressure, every image without a container."""
    if tick.pressed:
        PRUNE_ALL.inject(machine)


def prune_dangling(machine: Machine, tick: Tick) -> None:
    """On pressure and with no service in the swarm, what is dangling and a day old."""
    if tick.pressed and not machine.executor.run(["docker", "service", "ls", "--quiet"]).check().text:
        until = f"until={max(1, round(tick.day))}s"
        argv = ["docker", "image", "prune", "--force", "--filter", until]
        machine.executor.run(argv, timeout=PRUNING).check()


def prune_nothing(_: Machine, __: Tick) -> None:
    """Never anything."""


def retain(machine: Machine, tick: Tick) -> None:
    """The agent's tick, under its policy with the ages of this night."""
    text = policy.render(
        high_watermark=HIGH,
        low_watermark=LOW,
        young=tick.day * HOURS_YOUNG / 24,
        idle_after=tick.idle_after,
    )
    machine.instance.write_file(paths.POLICY, text.encode(), mode=0o644)
    prune.sweep(machine)


POLICIES = (
    Policy(
        "everything",
        f"`docker image prune` with `-af` at {HIGH} %",
        "prune everything on pressure",
        prune_everything,
    ),
    Policy(
        "dangling",
        f"`docker image prune -f --filter until=24h` at {HIGH} % with an idle swarm",
        "prune -f until=24h, swarm idle",
        prune_dangling,
    ),
    Policy("nothing", "no pruning", "no pruning", prune_nothing),
    Policy("ours", "**`ccci-prune`**", "ccci-prune", retain),
)
