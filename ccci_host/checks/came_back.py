"""Whether daemon and swarm were back after the boot without help."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import in_each_cycle, listed
from ccci_host.checks.registry import check
from ccci_host.records import BackSeen, History, RebootDone


@check(
    pc="reboot",
    sentence="daemon and swarm are back after the boot without help",
    witnesses=("systemd", "dockerd"),
    tasks=("reboot-and-redeploy",),
    order=13,
)
def came_back(history: History) -> Answer:
    """A daemon that is not enabled at boot is a FAIL: the store is there, and nobody serves it."""
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    back = next((item for item in history.of(BackSeen) if item.cycle == cycle), None)
    if back is None:
        raise NoEvidenceError("What came back after the boot was not looked at.")
    gone = [
        what
        for what, there in (("dockerd", back.daemon), ("the swarm manager", back.swarm_manager))
        if there is False
    ]
    if gone:
        return failed(
            f"Not back after the boot: {listed(gone)}.",
            *([back.problem] if back.problem else []),
            todo="On the host: `systemctl enable --now docker`, then `docker node ls`.",
        )
    if back.daemon is None or back.swarm_manager is None:
        raise NoEvidenceError(f"What came back after the boot is not known: {back.problem or 'no answer'}.")
    reboot = next((item for item in history.of(RebootDone) if item.cycle == cycle), None)
    after = (
        f" {reboot.seconds_to_ready:.1f} s after the restart was asked for"
        if reboot and reboot.seconds_to_ready is not None
        else ""
    )
    return passed(f"dockerd and the swarm manager were back{after}; systemd says {back.system or 'nothing'}.")
