"""Whether the agent's timer and its look-out run, and will again after a boot."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import listed
from ccci_host.checks.registry import check
from ccci_host.records import AgentSeen, History, UnitSeen

BY_TIMER = ("ccci-prune.service", "static")
"""The unit that the timer starts, and what systemd says of one that something else starts."""

STARTING = "activating"
"""What systemd says of a unit on its way up, one that it starts again included."""


@check(
    pc="PC1",
    sentence="the conservative prune runs: its units are active, and enabled at boot",
    witnesses=("systemd",),
    tasks=("verify-pc1", "reboot-and-redeploy"),
    order=18,
)
def timer_armed(history: History) -> Answer:
    """Stopped, masked or not enabled: FAIL; systemd not answering: UNKNOWN.

    So is a unit that systemd was starting at that moment: whether it stays up, nobody has seen. A tick may
    fail, right after a boot say: that is told, and `disk_stays_bounded` judges the ticks of a day.
    """
    looks = history.of(AgentSeen)
    units = [unit for seen in looks for unit in seen.units]
    wrong = [f"{unit.name} is {_wrong(unit)}" for unit in units if _wrong(unit)]
    if wrong:
        return failed(
            f"The agent does not run by itself: {listed(wrong)}.",
            todo="Run `invoke provision`, or `systemctl enable --now` the timer on the host.",
        )
    problems = [seen.problem for seen in looks if seen.problem]
    if problems or not any(unit.name.endswith(".timer") for unit in units):
        raise NoEvidenceError(
            f"Whether the timer is armed is not known: {problems[0] if problems else 'nobody looked'}."
        )
    starting = [unit.name for unit in units if unit.active == STARTING and not _is_by_timer(unit)]
    if starting:
        raise NoEvidenceError(f"At a look systemd was just starting {listed(dict.fromkeys(starting))}.")
    following = f"Its next tick: {looks[-1].next_tick}." if looks[-1].next_tick else ""
    armed = listed(unit.name for unit in units if not _is_by_timer(unit))
    ended = [unit for unit in looks[-1].units if _is_by_timer(unit) and unit.active == "failed"]
    return passed(
        f"Active, and enabled at boot: {armed}.",
        *([following] if following else []),
        *(f"{unit.name}: its last tick failed ({unit.result})." for unit in ended),
    )


def _wrong(unit: UnitSeen) -> str:
    """What is wrong with a unit; empty when nothing is."""
    if unit.load != "loaded":
        return unit.load
    if _is_by_timer(unit):
        return ""
    if unit.active not in ("active", STARTING):
        return unit.active or "not active"
    return "" if unit.enabled == "enabled" else f"not enabled at boot ({unit.enabled or 'unknown'})"


def _is_by_timer(unit: UnitSeen) -> bool:
    """Whether the timer starts it, so that it may rest and needs no enabling."""
    return (unit.name, unit.enabled) == BY_TIMER
