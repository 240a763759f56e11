"""What became of a stranger's container that ran before the run, and whether it came to that by itself."""

from typing import NamedTuple

from ccci_host.records import StrangeContainer, StrangersSeen
from ccci_host.verdict import Verdict

STARTED_AGAIN = ("always", "unless-stopped")
"""Restart policies under which the daemon starts whatever nobody has stopped."""
ENDED = ("exited", "dead")
ASKED = ("kill", "stop")
"""Events that say that somebody wanted an end."""
GRACE = 60.0
"""Seconds that may lie between a `kill` and the end it brings. One of longer ago was another signal's."""


class Fate(NamedTuple):
    """PASS: no doing of the run; FAIL: a disturbance; UNKNOWN: nobody can tell."""

    verdict: Verdict
    told: str


def fate_at_rest(before: StrangeContainer, after: StrangeContainer | None) -> Fate | None:
    """Of a container of no service that did not run; None: it is as before."""
    name = f"container {before.name}"
    if after is None:
        return Fate(Verdict.UNKNOWN, f"{name}, which was {before.state}, is gone")
    changed = before.state == "paused" != after.state
    return Fate(Verdict.FAIL, f"{name} was paused, and is {after.state}") if changed else None


def fate(
    before: StrangeContainer, after: StrangeContainer | None, seen: StrangersSeen, *, replaced: bool
) -> Fate | None:
    """Of a container on a host that was not rebooted, by what was `seen` last; None: it runs as before.

    `replaced` says that it is of a service that is to have as many tasks as before: swarm replaces what fails
    or is unhealthy, and removes what it replaced.
    """
    name = f"container {before.name}"
    if after is None:
        return _gone(before, seen, replaced=replaced)
    if after.restarts > before.restarts:  # the daemon counts these alone
        return Fate(Verdict.UNKNOWN, f"{name} was restarted by its policy")
    if after.restarts != before.restarts or after.started_at != before.started_at:
        return Fate(Verdict.FAIL, f"{name} was restarted")
    if after.state in ENDED:
        return _ended(after, seen, replaced=replaced)
    return None if after.state == "running" else Fate(Verdict.FAIL, f"{name} is {after.state}")


def fate_over_reboot(
    before: StrangeContainer, after: StrangeContainer | None, seen: StrangersSeen
) -> Fate | None:
    """Of a container of no service on a host that was rebooted; None: it runs again."""
    name = f"container {before.name}"
    if after is None:
        return _gone_over_reboot(before, seen)
    if after.state == "running":
        return None
    told = f"{name} is {after.state} after the reboot"
    if after.restart_policy is None or after.state == "restarting":
        return Fate(Verdict.UNKNOWN, told)
    if _is_started_again(after):
        return Fate(Verdict.FAIL, told)
    return Fate(Verdict.PASS, f"{told}, by its restart policy `{after.restart_policy}`")


def _gone_over_reboot(container: StrangeContainer, seen: StrangersSeen) -> Fate:
    """A unit of the host may make it anew at each boot, by the same name and of the same image."""
    name = f"container {container.name}"
    if container.auto_remove:
        return Fate(Verdict.PASS, f"{name} is gone, as it was to be when it ended")
    if any(
        (one.name, one.image, one.state) == (container.name, container.image, "running")
        for one in seen.containers
    ):
        return Fate(Verdict.PASS, f"{name} was made anew after the reboot")
    stays = container.restart_policy in STARTED_AGAIN
    return Fate(Verdict.FAIL if stays else Verdict.UNKNOWN, f"{name} is gone")


def _is_started_again(container: StrangeContainer) -> bool:
    """Whether the daemon starts it again after an end that nobody asked for, such as a boot."""
    failed = container.restart_policy == "on-failure" and container.exit_code != 0
    return failed or container.restart_policy in STARTED_AGAIN


def _gone(container: StrangeContainer, seen: StrangersSeen, *, replaced: bool) -> Fate:
    """One that is there no more: with `--rm` the daemon removed it, else swarm or somebody did."""
    ended = _ended(container, seen, replaced=replaced)
    if container.auto_remove:
        return ended
    if replaced:
        return Fate(Verdict.UNKNOWN, f"{ended.told}, and was removed, by swarm or by somebody")
    if ended.verdict is Verdict.PASS:
        return Fate(Verdict.UNKNOWN, f"{ended.told}, and somebody removed it")
    return Fate(Verdict.FAIL, f"container {container.name} is gone")


def _ended(container: StrangeContainer, seen: StrangersSeen, *, replaced: bool) -> Fate:
    """By the daemon's events: only an end in good order that nobody asked for is known to be its own."""
    name = f"container {container.name}"
    of_it = [event for event in seen.ends if event.id == container.id]
    end = next((event for event in reversed(of_it) if event.action == "die"), None)
    since = end.at - GRACE if end else 0.0
    asked = any(event.action in ASKED and event.at >= since for event in of_it)
    if asked and replaced:
        return Fate(Verdict.UNKNOWN, f"{name} was stopped, by swarm or at somebody's word")
    if asked or container.restart_policy in STARTED_AGAIN:  # had it ended by itself, it would run again
        return Fate(Verdict.FAIL, f"{name} was stopped")
    if end is None or seen.ends_since is None or seen.ends_since > since:
        return Fate(Verdict.UNKNOWN, f"{name} ended, and the daemon no longer knows how")
    if end.exit_code != 0:
        return Fate(Verdict.UNKNOWN, f"{name} failed with exit code {end.exit_code}")
    return Fate(Verdict.PASS, f"{name} ended by itself")
