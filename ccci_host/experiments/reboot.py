"""A restart of the machine, with what can be seen of it."""

import secrets
import threading
import time

from ccci_host.errors import CcciError, CommandFailedError, HostError, UnreachableError
from ccci_host.experiments.interrupts import undisturbed
from ccci_host.experiments.run import Run
from ccci_host.progress import doing, say
from ccci_host.records import BackSeen, RebootDone
from ccci_host.transport import connect
from ccci_host.transport.machine import Instance, Machine
from ccci_host.transport.readiness import look, wait_until_ready
from ccci_host.waiting import wait_until
from ccci_host.witnesses.boot import TOKEN

SHUTDOWN_SECONDS = 120.0
"""What the system gets at least for a graceful shutdown; more, where the boot may take more."""
START_SECONDS = 120.0
"""What Incus gets to start it."""
STOPPED = "Stopped"
"""Incus' word for an instance that is down."""
LOOK_EVERY = 0.02


def plant_token(machine: Machine) -> str:
    """Put a random word into the machine's tmpfs; no boot leaves it there."""
    token = secrets.token_hex(16)
    machine.run_repeatable(["tee", TOKEN], input=token.encode()).check()
    return token


def reboot(run: Run, cycle: int, token: str) -> bool:
    """Restart the machine and wait until it is ready again; whether it came back by itself.

    Incus does the restart whole: were this controller to die meanwhile, the machine comes up all the same,
    unless its shutdown takes longer than Incus was told to wait.
    """
    forced = run.options.forced_stop
    asked = time.monotonic()
    with doing("restarting the machine by force" if forced else "restarting the machine"):
        how, down = _restart(
            run.machine, forced=forced, patience=max(SHUTDOWN_SECONDS, run.options.boot_timeout)
        )
    problem: str | None = None
    try:
        with doing("waiting for systemd, dockerd and the swarm manager"):
            ready = wait_until_ready(run.machine, timeout=run.options.boot_timeout)
        run.write(
            BackSeen(cycle=cycle, system=ready.system, daemon=ready.engine, swarm_manager=ready.manager)
        )
    except CcciError as error:
        problem = str(error)
        run.write(_as_far(run.machine, cycle, problem))
    run.write(
        RebootDone(
            cycle=cycle,
            forced=forced,
            token=token,
            seen_down=bool(how),
            seen_down_how=how,
            seconds_to_down=down,
            seconds_to_ready=None if problem else time.monotonic() - asked,
            problem=problem,
        )
    )
    return problem is None


def bring_back(machine: Machine, *, timeout: float) -> None:
    """Wait `timeout` seconds for a machine whose restart did not come to its end, and start it if it is down.

    Where a shutdown takes longer than Incus waits, Incus gives up on the start, and the machine goes down all
    the same (read in Incus, `restartCommon`). Raises `WaitTimeoutError`, and what Incus says of the start.
    """

    def has_stopped() -> bool | None:
        if machine.instance.status() == STOPPED:
            return True
        return False if look(machine).is_ready(swarm=True) else None

    stopped = wait_until(
        has_stopped,
        what=f"{machine.instance.where} to be up, or down at last",
        timeout=max(SHUTDOWN_SECONDS, timeout),
        retry_on=(HostError, UnreachableError, CommandFailedError),
        resolution="See how it is with `incus info`, and start it with `incus start` once it is down.",
    )
    if stopped:
        try:
            machine.instance.request_start(timeout=START_SECONDS)
            say("The machine was down, and Incus had given up on starting it: it has been started.")
        except HostError:
            if machine.instance.status() == STOPPED:
                raise  # else the restart went on, and only its end was not heard of
        wait_until_ready(machine, timeout=timeout)


def _as_far(machine: Machine, cycle: int, problem: str) -> BackSeen:
    """How far a machine has come that was waited for in vain."""
    try:
        seen = look(machine)
    except CcciError:
        return BackSeen(cycle=cycle, problem=problem)
    return BackSeen(
        cycle=cycle,
        system=seen.system,
        daemon=seen.engine,
        swarm_manager=seen.manager if seen.engine else None,
        problem=problem,
    )


def _restart(machine: Machine, *, forced: bool, patience: float) -> tuple[str, float | None]:
    """Restart, watched over a second connection; how it was seen down, and after how many seconds.

    The system gets `patience` seconds to shut down.
    """
    failed: list[BaseException] = []

    def work() -> None:
        try:
            machine.instance.request_restart(force=forced, timeout=patience)
        except BaseException as error:
            failed.append(error)

    watch = connect(machine.config.incus)
    try:
        instance = watch.instance(machine.config.incus.instance)
        before = instance.pid()
        asked = time.monotonic()
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            how = _watched(instance, before, worker, patience)
            down = time.monotonic() - asked if how else None
        finally:
            with undisturbed():  # what comes next must not meet a machine that is still going down
                worker.join()
        if failed:
            raise failed[0]
        return how, down
    finally:
        watch.close()


def _watched(instance: Instance, before: int, worker: threading.Thread, patience: float) -> str:
    """Look until the machine was seen to be down, or the restart is over and nothing was seen."""

    def look() -> str | None:
        over = not worker.is_alive()
        pid = instance.pid()
        if pid == 0:
            return "Incus showed it without a first process"
        if pid != before:
            return f"its first process {before} was gone and {pid} had taken its place"
        return "" if over else None

    # Asked in the very moment of a restart, Incus may answer "Invalid PID" (measured, 6.0.4): look again.
    return wait_until(
        look,
        what="the machine to go down",
        timeout=patience + 60,
        interval=LOOK_EVERY,
        retry_on=(HostError, UnreachableError),
    )
