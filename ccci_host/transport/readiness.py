"""Whether a machine is up: systemd, then dockerd, then the swarm's manager, in the order of a boot."""

import inspect
import signal
from dataclasses import dataclass

from ccci_host.errors import CommandFailedError, UnreachableError, WaitTimeoutError
from ccci_host.transport import readiness_remote
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until

_PROGRAM = inspect.getsource(readiness_remote)
_SETTLED = ("running", "degraded")
_BETWEEN_LOOKS = 0.1
_KILLED = (128 + signal.SIGKILL, 128 + signal.SIGTERM)
"""Exit codes of a command that did not end by itself."""
_ONE_LOOK = 30.0
"""Seconds that one look may take; a boot that hangs must not take the whole time of the wait."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far a machine has come up."""

    system: str
    """`running`, `degraded`, `starting`, … as `systemctl is-system-running` says; empty without an answer."""
    engine: bool
    """dockerd answers."""
    swarm: str
    """`active`, `inactive`, `pending`, …; empty while dockerd does not answer."""
    manager: bool
    """This node manages the swarm, and the swarm counts it as ready."""

    def is_ready(self, *, swarm: bool) -> bool:
        """Everything is up; with `swarm`, its manager as well."""
        manages = self.swarm == "active" and self.manager
        return self.system in _SETTLED and self.engine and (manages or not swarm)


def look(machine: Machine) -> Readiness:
    """How far `machine` has come up. Raises `UnreachableError` while no command can run in it."""
    return Readiness(**machine.run_python(_PROGRAM, None, timeout=_ONE_LOOK))


def wait_until_ready(machine: Machine, *, timeout: float, swarm: bool = True) -> Readiness:
    """Wait until `machine` is ready, for at most `timeout` seconds; with `swarm`, its manager too.

    Raises `WaitTimeoutError` naming the last state seen.
    """
    last: list[Readiness] = []

    def ask() -> Readiness | None:
        try:
            seen = look(machine)
        except CommandFailedError as error:
            if error.exit_code in _KILLED:  # the machine has yet to go down, and takes the look with it
                return None
            raise
        last[:] = [seen]
        return seen if seen.is_ready(swarm=swarm) else None

    try:
        return wait_until(
            ask,
            what=f"{machine.instance.where} to be up",
            timeout=timeout,
            interval=_BETWEEN_LOOKS,
            retry_on=(UnreachableError,),
            resolution="See what holds it up: `systemctl list-jobs` and `systemctl --failed` on the machine.",
        )
    except WaitTimeoutError as error:
        if last and not error.details:
            error.details = f"The last thing seen: {last[0]}"
        raise
