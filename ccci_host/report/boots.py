"""The proof of a reboot, witness by witness."""

from ccci_host.checks.reboot_happened import CLOCK_JITTER
from ccci_host.records import BackSeen, BootSeen, History, RebootDone
from ccci_host.report import words
from ccci_host.report.model import BootRow


def boot_rows(history: History, cycle: int) -> tuple[BootRow, ...]:
    """What each witness saw before and after, empty when nobody looked."""
    before, after = history.at(BootSeen, "torn-down", cycle), history.at(BootSeen, "rebooted", cycle)
    if before is None or after is None:
        return ()
    rows: list[tuple[str, object, object]] = [
        ("Incus: started at (outside)", before.started_at, after.started_at),
        ("Incus: first process (outside)", before.init_pid, after.init_pid),
        ("systemd: userspace began (inside)", before.systemd_started, after.systemd_started),
    ]
    known = [
        BootRow(witness, _told(was), _told(now), None if was is None or now is None else was != now)
        for witness, was, now in rows
    ]
    return (*known, _first_process(before, after), _token(before, after))


def _first_process(before: BootSeen, after: BootSeen) -> BootRow:
    """As `reboot-happened` compares: two readings of one start differ by a little."""
    was, now = before.init_started, after.init_started
    changed = None if was is None or now is None else abs(now - was) > CLOCK_JITTER
    return BootRow("PID 1: started (inside)", words.stamp(was), words.stamp(now), changed)


def _token(before: BootSeen, after: BootSeen) -> BootRow:
    """What could not be looked for is not gone."""
    was, now = (
        None if seen.token is None and seen.inside_problem else seen.token is not None
        for seen in (before, after)
    )
    told = {True: "there", False: "gone", None: "–"}
    changed = not now if was and now is not None else None
    return BootRow("token in tmpfs (inside)", told[was], told[now], changed)


def _told(value: object) -> str:
    return "–" if value is None else str(value)


def reboot_line(history: History, cycle: int) -> str:
    """How the restart went, in a sentence; empty when there was none."""
    done = next((record for record in history.of(RebootDone) if record.cycle == cycle), None)
    if done is None:
        return ""
    back = next((record for record in history.of(BackSeen) if record.cycle == cycle), None)
    how = "Forced stop and start" if done.forced else "Graceful restart"
    down = f"seen down after {words.seconds(done.seconds_to_down)}" if done.seen_down else "never seen down"
    by = f" ({done.seen_down_how})" if done.seen_down_how else ""
    ready = f", ready again after {words.seconds(done.seconds_to_ready)}" if done.seconds_to_ready else ""
    state = f"; systemd says {back.system}" if back and back.system else ""
    return f"{how}: {down}{by}{ready}{state}."
