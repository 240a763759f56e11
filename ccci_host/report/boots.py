"""The proof of a reboot, witness by witness."""

from ccci_host.records import BackSeen, BootSeen, History, RebootDone
from ccci_host.report import words
from ccci_host.report.model import BootRow


def boot_rows(history: History, cycle: int) -> tuple[BootRow, ...]:
    """What each witness saw before and after, empty when nobody looked."""
    before, after = history.at(BootSeen, "torn-down", cycle), history.at(BootSeen, "rebooted", cycle)
    if before is None or after is None:
        return ()
    token = {True: "there", False: "gone"}
    rows: list[tuple[str, object, object]] = [
        ("Incus: started at (outside)", before.started_at, after.started_at),
        ("Incus: first process (outside)", before.init_pid, after.init_pid),
        ("systemd: userspace began (inside)", before.systemd_started, after.systemd_started),
        ("PID 1: started (inside)", words.stamp(before.init_started), words.stamp(after.init_started)),
        ("token in tmpfs (inside)", token[before.token is not None], token[after.token is not None]),
    ]
    return tuple(
        BootRow(
            witness,
            str(was if was is not None else "–"),
            str(now if now is not None else "–"),
            None if was is None or now is None else was != now,
        )
        for witness, was, now in rows
    )


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
