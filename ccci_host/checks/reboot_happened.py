"""Whether the machine was really rebooted between the deploys."""

from ccci_host.checks.finding import Answer, NoEvidenceError, passed, unknown
from ccci_host.checks.reading import in_each_cycle
from ccci_host.checks.registry import check
from ccci_host.records import BootSeen, History, RebootDone

CLOCK_JITTER = 0.5
"""Seconds by which two readings of one boot's start may differ: clock and tick count drift apart."""


@check(
    pc="reboot",
    sentence="the machine was seen down, and is another boot",
    witnesses=("Incus", "PID 1", "systemd", "token in tmpfs"),
    tasks=("reboot-and-redeploy",),
    order=28,
)
def reboot_happened(history: History) -> Answer:
    """Outside and inside must both say so; a boot that did not change shows nothing about retention."""
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    done = next((item for item in history.of(RebootDone) if item.cycle == cycle), None)
    if done is None:
        raise NoEvidenceError("The machine was not rebooted.")
    before, after = history.at(BootSeen, "torn-down", cycle), history.at(BootSeen, "rebooted", cycle)
    if before is None or after is None:
        raise NoEvidenceError("The boot was not looked at before and after the restart.")
    same, other, missing = _compare(before, after, done)
    if same:
        return unknown(
            f"The reboot is not proven: {'; '.join(same)}.",
            *other,
            *missing,
            todo="Restart the instance through Incus by hand, and see why it does not go down.",
        )
    if done.problem or not done.seen_down:
        return unknown(
            f"The reboot is not proven: {done.problem or 'the machine was never seen down'}.",
            *other,
            todo="Run again.",
        )
    if missing:
        return unknown(f"The reboot is not proven: {'; '.join(missing)}.", *other, todo="Run again.")
    how = "by a forced stop" if done.forced else "gracefully"
    return passed(f"The machine was restarted {how}, was seen down, and is another boot.", *other)


def _compare(before: BootSeen, after: BootSeen, done: RebootDone) -> tuple[list[str], list[str], list[str]]:
    """What says that it is the same boot, what says that it is another, and what could not be read."""
    same: list[str] = []
    other: list[str] = []
    missing: list[str] = []
    for what, then, now in (
        ("Incus' start time", before.started_at, after.started_at),
        ("systemd's start time", before.systemd_started, after.systemd_started),
    ):
        if then is None or now is None:
            missing.append(f"{what} could not be read")
        elif then == now:
            same.append(f"{what} is unchanged ({now})")
        else:
            other.append(f"{what}: {then} before, {now} after")
    if before.init_started is None or after.init_started is None:
        missing.append("the start of PID 1 could not be read")
    elif abs(after.init_started - before.init_started) <= CLOCK_JITTER:
        same.append("PID 1 is the one from before")
    else:
        other.append(
            f"PID 1 started {after.init_started - before.init_started:.1f} s later than the one before"
        )
    if before.token != done.token or after.inside_problem:
        missing.append("the token in tmpfs was not seen before, or could not be looked for after")
    elif after.token == done.token:
        same.append("the token in tmpfs is still there")
    else:
        other.append("the token in tmpfs is gone")
    return same, other, missing
