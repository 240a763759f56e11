"""Where a run comes from, what it did not show, what a reader should know besides."""

from ccci_host.checks import Judgement
from ccci_host.checks.disk_stays_bounded import DAY, SILENCE
from ccci_host.checks.reading import began
from ccci_host.records import (
    Cleanup,
    Finished,
    History,
    HostSeen,
    InterfaceSeen,
    Interrupted,
    Leftovers,
    NoiseSeen,
    Note,
    RebootDone,
    RecipeChosen,
    RequestsSeen,
    Started,
    TicksSeen,
    TornDown,
)
from ccci_host.report import words
from ccci_host.report.model import Pair
from ccci_host.verdict import Verdict

WHOLE_DAY = (DAY - SILENCE) / 3600
"""Hours, as `disk-stays-bounded` counts: a day, less the gap that a day's record may have."""


def not_shown(history: History, judgement: Judgement) -> tuple[str, ...]:
    """The questions that were not put, and the witnesses that could not be read."""
    lines = [finding.reason for finding in judgement.not_shown]
    lines += [finding.reason for finding in judgement.findings if finding.verdict is Verdict.UNKNOWN]
    host = history.first(HostSeen)
    if host and host.instance_kind == "container" and any(done.forced for done in history.of(RebootDone)):
        lines.append(
            "A power cut: in a container a forced stop leaves the kernel and its page cache alive, so that "
            "a write that was never synced would still be there."
        )
    if host and host.instance_kind == "container" and history.of(RebootDone):
        lines.append("A boot of another kernel: a container is restarted on the kernel of its Incus host.")
    if any(seen.source == "guest" for seen in history.of(InterfaceSeen)):
        lines.append(
            "Interface bytes from outside: on a virtual machine Incus takes them from the guest's kernel."
        )
    lines += [
        f"The registry's requests during {words.PHASES.get(seen.phase, seen.phase)}: {seen.problem}"
        for seen in history.of(RequestsSeen)
        if seen.problem
    ]
    lines += [
        f"Interface bytes during {words.PHASES.get(seen.phase, seen.phase)}: {seen.problem}"
        for seen in history.of(InterfaceSeen)
        if seen.problem
    ]
    ticks, started = history.last(TicksSeen), history.first(Started)
    if ticks and not ticks.problem and started and started.disposable and _hours(ticks) < WHOLE_DAY:
        hours = f"{_hours(ticks):.1f} hours"
        lines.append(f"A day of the agent's ticks: the record of this disposable host covers {hours}.")
    if started and not started.registry_log and not history.of(RequestsSeen):
        lines.append("The registry's own view: its access log is not ours to read.")
    return tuple(dict.fromkeys(lines))


def _hours(ticks: TicksSeen) -> float:
    """How far back the record of the agent's ticks reaches."""
    first = min((tick.at for tick in ticks.ticks), default=ticks.host_clock)
    return (ticks.host_clock - first) / 3600


def provenance(history: History, judgement: Judgement) -> tuple[Pair, ...]:
    """Code, host, engine, recipe: what it takes to run the same again."""
    started, host, recipe = history.first(Started), history.first(HostSeen), history.last(RecipeChosen)
    dirty = {True: " with changes that are not committed", False: "", None: ""}
    noise = history.last(NoiseSeen)
    pairs = [
        Pair("Run", f"{words.clock(judgement.began)} to {words.clock(judgement.ended)}"),
        Pair("History's SHA-256", judgement.history_sha256 or "–"),
    ]
    if started:
        pairs += [
            Pair("Command", " ".join(started.argv)),
            Pair(
                "Options", ", ".join(f"{name}={value}" for name, value in started.options.items()) or "none"
            ),
            Pair("Code", f"{started.commit or 'no commit'}{dirty[started.dirty]}"),
            Pair("Tree", started.tree or "–"),
            Pair("Suite", f"ccci-host {started.suite}, Python {started.python}"),
            Pair(
                "Host",
                f"{started.host}: instance {started.instance} in project {started.project}, Incus by "
                f"{started.door}, commands by {started.commands}"
                f"{', disposable' if started.disposable else ''}",
            ),
        ]
    if host:
        pairs += [
            Pair(
                "Machine",
                f"{host.instance_kind or '–'}, {host.system or '–'}, kernel {host.kernel or '–'}, "
                f"{host.architecture}",
            ),
            Pair("Engine", f"Docker {host.engine or '–'} (API {host.api or '–'}), Incus {host.incus or '–'}"),
            Pair("Store", f"{host.store or '–'} ({host.store_driver or '–'}) under {host.data_root or '–'}"),
            Pair("Disk in use", "–" if host.disk_used_percent is None else f"{host.disk_used_percent:.0f} %"),
            Pair("Policy on the host", judgement.policy_sha256 or "none"),
        ]
    if recipe:
        pairs.append(
            Pair("Recipe", f"{recipe.recipe} {recipe.version} by {recipe.deployer}, as stack {recipe.stack}")
        )
    if noise:
        told = "–" if noise.bytes is None else f"{words.size(noise.bytes)} in {words.seconds(noise.seconds)}"
        pairs.append(Pair("Noise on the interface", noise.problem or told))
    return tuple(pairs)


def notes(history: History) -> tuple[str, ...]:
    """What no check decides by, and a reader should know."""
    lines = [note.text for note in history.of(Note)]
    for found in history.of(Leftovers):
        names = ", ".join(f"{kind} {name}" for kind, name in found.removed)
        lines.append(f"An earlier run had left behind, and this one removed: {names or 'nothing'}.")
        lines += [f"Still there from an earlier run: {kind} {name}: {why}" for kind, name, why in found.left]
    for torn in history.of(TornDown):
        lines += [f"Left by a teardown: {kind} {name}: {why}" for kind, name, why in torn.removal.left]
    for cleanup in history.of(Cleanup):
        if cleanup.removed:
            lines.append(
                f"Removed at the end: {', '.join(f'{kind} {name}' for kind, name in cleanup.removed)}."
            )
        lines += [f"Could not be removed: {kind} {name}: {why}" for kind, name, why in cleanup.left]
    lines += [f"Interrupted: {record.how}" for record in history.of(Interrupted)]
    finished = history.last(Finished)
    if finished and finished.problem:
        lines.append(f"The run ended as {finished.outcome}: {finished.problem}")
    if began(history, "reboot", 1) and not history.of(RebootDone):
        lines.append("A reboot was begun and never ended.")
    return tuple(lines)
