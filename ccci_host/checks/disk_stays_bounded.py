"""Whether the disk stays below the high watermark: its record of a day, and what it may free."""

from collections.abc import Sequence
from itertools import pairwise

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed, unknown
from ccci_host.checks.reading import MAY_GO, count
from ccci_host.checks.registry import check
from ccci_host.records import History, PlanSeen, Started, StoreSeen, SweepSeen, Tick, TicksSeen

DAY = 24 * 3600.0
HOURS = 6
SILENCE = HOURS * 3600.0
"""Seconds without a tick that a day's record may have: what happened in a longer gap, nobody saw."""

ABOVE = "above the high watermark"
"""In the agent's own words of a tick that ended there (docs/retention.md)."""


@check(
    pc="PC3",
    sentence="disk stays bounded without `-af`",
    witnesses=("agent's own answer", "journal of the agent's unit", "agent's own plan", "layer store"),
    tasks=("verify-pc1",),
    order=38,
)
def disk_stays_bounded(history: History) -> Answer:
    """The ticks of a day ended below the high watermark, and what no row may free is below the low one.

    A tick of this run that ended above: FAIL, for nothing held it back. A disposable host may be minutes old:
    there the ticks that it had must do, and the answer says how long a time they cover. One tick may fail,
    right after a boot say; where none ended well of late, nothing shows that the agent could free anything.
    """
    own = _own_tick(history)
    if isinstance(own, Answer):
        return own
    seen = history.last(TicksSeen)
    if seen is None or seen.problem:
        problem = seen.problem if seen else "nobody looked at them"
        raise NoEvidenceError(f"How the agent's ticks ended is not known: {problem}.")
    if seen.high_percent is None or seen.low_percent is None:
        raise NoEvidenceError("What the disk is to stay below is not known: the policy names no watermark.")
    high = seen.high_percent
    told = [tick for tick in seen.ticks if tick.percent is not None]
    above = [tick.percent for tick in told if tick.percent is not None and tick.percent >= high]
    if above:
        return unknown(
            f"{count(len(above), 'tick')} of the last day ended above the high watermark of {high:g} %, "
            f"at up to {max(above):g} %.",
            todo="`ccci-prune status` on the host says what fills the disk. Run again a day after the cure.",
        )
    recent = [tick for tick in seen.ticks if tick.at >= seen.host_clock - SILENCE]
    if len(recent) > int(own) and not any(tick.done for tick in recent):
        return unknown(
            f"The last {HOURS} hours had {count(len(recent), 'tick')}, and none ended well.",
            todo="`journalctl -u ccci-prune` on the host says why. Run again when ticks end well.",
        )
    started = history.first(Started)
    if not (own and started and started.disposable):
        silence = _silence(told, seen.host_clock)
        if silence > SILENCE:
            return unknown(
                f"The record of the last day has {count(len(told), 'tick')}, and a gap of "
                f"{silence / 3600:.0f} hours: a day of ticks is not shown.",
                todo="Run again when the agent has ticked for a day (`journalctl -u ccci-prune` shows it).",
            )
    held = _held_percent(history, seen)
    if held >= seen.low_percent:
        return unknown(
            f"{held:.0f} % of {seen.folder} is beyond what the agent may free, now or later, and the low "
            f"watermark is {seen.low_percent:g} %.",
            todo="`ccci-prune status` on the host says what it is; or give the store a larger disk.",
        )
    return passed(
        f"{_covered(told, seen.host_clock, own)} ended below the high watermark of {high:g} %, and "
        f"{held:.1f} % of {seen.folder} is beyond what the agent may free, with the low watermark at "
        f"{seen.low_percent:g} %."
    )


def _own_tick(history: History) -> Answer | bool:
    """Where the tick of this run failed: FAIL if it ended above, else UNKNOWN. Else whether there was one."""
    sweeps = [sweep for sweep in history.of(SweepSeen) if sweep.under == "nothing"]
    told = [sweep for sweep in sweeps if not sweep.problem and sweep.exit_code is not None]
    if sweeps and not told:
        raise NoEvidenceError(
            f"How the tick of this run ended is not known: {sweeps[-1].problem or 'no code'}."
        )
    if not told or not told[-1].exit_code:
        return bool(told)
    gate, lines = told[-1].gates.get("unreadable"), told[-1].output.splitlines()
    if ABOVE in told[-1].output:
        return failed(
            "A tick of the agent, with nothing to hold it back, ended above the high watermark.",
            *lines,
            todo="`ccci-prune status` on the host says what fills the disk; images are not all that does.",
        )
    why = f"unreadable, {gate['reason']}" if gate else (lines or ["it does not say why"])[-1]
    return unknown(
        f"The tick of this run failed with exit code {told[-1].exit_code}: {why}.",
        *lines,
        todo="`ccci-prune status` on the host says what failed. Run again after the cure.",
    )


def _silence(ticks: Sequence[Tick], now: float) -> float:
    """The longest time of the last day without a tick that said how full it left the disk, in seconds."""
    times = [now - DAY, *sorted(tick.at for tick in ticks), now]
    return max(later - earlier for earlier, later in pairwise(times))


def _covered(ticks: Sequence[Tick], now: float, own: bool) -> str:
    """The ticks that were seen, in words, with the time that they cover."""
    if not ticks:
        return "The tick of this run, the only one on this host,"
    hours = (now - min(tick.at for tick in ticks)) / 3600
    covers = f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
    own_too = " and that of this run" if own else ""
    return f"{count(len(ticks), 'tick')} of the last {covers}{own_too}"


def _held_percent(history: History, seen: TicksSeen) -> float:
    """The part of the store's disk that no row may free, now or later, each layer counted once.

    Whatever is in use and is no layer of an image that may go: images that stay, and all that is no image.
    """
    plans = [plan for plan in history.of(PlanSeen) if plan.simulated_percent is not None]
    plan = next((plan for plan in reversed(plans) if not plan.problem and not plan.unreadable), None)
    stores = [store for store in history.of(StoreSeen) if not store.problem]
    if plan is None or not stores:
        missing = "plan under pressure" if plan is None else "look at the image store"
        raise NoEvidenceError(f"What the agent may free is not known: there is no readable {missing}.")
    goes = {victim.get("id") for victim in plan.victims} | {
        image.get("id")
        for image in plan.kept
        if image.get("class") in MAY_GO and image.get("until") is not None
    }
    store = stores[-1]
    staying = {key for image in store.images if image.id not in goes for key in image.layers}
    going = {key for image in store.images if image.id in goes for key in image.layers} - staying
    freed = sum(layer.size for layer in store.layers if layer.key in going)
    whole = seen.used + seen.available
    if not whole:
        raise NoEvidenceError(f"How full {seen.folder or 'the disk'} is, is not known.")
    return 100 * max(0, seen.used - freed) / whole
