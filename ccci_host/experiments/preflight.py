"""Before anything is done: the host is fit, nobody else is at work on it, and our own lease is held."""

from contextlib import suppress

from ccci_host.agent.leases import LONGEST
from ccci_host.errors import CcciError, HostError, RefusedError, WaitTimeoutError
from ccci_host.experiments import stacks
from ccci_host.experiments.interrupts import undisturbed
from ccci_host.experiments.lease import HOLD_SECONDS, TimedLease, refuse_over_others
from ccci_host.experiments.run import Run
from ccci_host.experiments.started import started
from ccci_host.progress import say
from ccci_host.recipes import teardown
from ccci_host.records import HostSeen, LeaseSeen, Leftovers, Note
from ccci_host.transport import connect
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until
from ccci_host.witnesses import host

FULL_PERCENT = 95.0
"""A file system of the store that is fuller than this takes no images: the experiment would show nothing."""


def begin(run: Run) -> HostSeen:
    """Write who asks what of which host, and look at the host."""
    run.write(started(run.machine, run.options))
    seen = host.look(run.machine, incus_version(run.machine))
    run.write(seen)
    return seen


def incus_version(machine: Machine) -> str:
    """The version of the Incus server that holds the machine."""
    server = connect(machine.config.incus)
    try:
        return str(server.api.get().get("environment", {}).get("server_version", ""))
    finally:
        server.close()


def make_sure(run: Run, seen: HostSeen, *, reboots: bool, agent_needed: bool = True) -> None:
    """Refuse what would harm or show nothing, take the lease, and remove what a killed run of ours left.

    Raises `HostError` for a host that is not fit, `RefusedError` where somebody else would be disturbed.
    The lease is taken before the leftovers go, so that two experiments do not remove each other's stacks.
    """
    _fit(run.machine, seen)
    if seen.agent_sha256 is None:
        if agent_needed:
            raise _no_agent(run.machine)
        run.write(LeaseSeen(step="refused", problem="there is no agent to give one"))
        return
    _nobody_at_work(run)
    there = stacks.look(run.machine)
    _nobody_disturbed(run.machine, there, reboots=reboots)
    run.lease = lease = TimedLease(run.machine, run.write, _hold(run))  # known before it can be held
    try:
        lease.take()
        refuse_over_others(run.machine, own=lease.id)  # two may have asked at once; then both refuse
        _remove_leftovers(run, there)
    except BaseException:
        with undisturbed():
            lease.release()
            run.lease = None
        raise


def _hold(run: Run) -> float:
    """Seconds to ask for: it is renewed between phases alone, so that it has to outlast the longest one."""
    harness = run.machine.config.command
    longest = max(run.options.boot_timeout, harness.timeout_seconds if harness else 0.0)
    return min(HOLD_SECONDS + longest, LONGEST)


def make_sure_again(run: Run) -> None:
    """Right before a reboot of a host in use: who has come since may mind it. Raises `RefusedError`."""
    if run.machine.config.disposable:
        return
    # After an earlier cycle's reboot everybody's services take a while to come back.
    with suppress(WaitTimeoutError):
        wait_until(
            lambda: None if stacks.look(run.machine).unconverged else True,
            what="other people's services to converge",
            timeout=run.options.boot_timeout,
        )
    _nobody_disturbed(run.machine, stacks.look(run.machine), reboots=True)
    _nobody_at_work(run)


def _nobody_at_work(run: Run) -> None:
    for released in refuse_over_others(run.machine, own=run.lease.id if run.lease else None):
        run.write(
            Note(text=f"The lease of an earlier run of ours that is no more was released: {released.owner}.")
        )


def _fit(machine: Machine, seen: HostSeen) -> None:
    where = machine.instance.where
    if seen.problem is not None:
        raise HostError(
            f"The Docker daemon on {where} does not answer.",
            details=seen.problem,
            resolution="`systemctl status docker` on the host says why.",
        )
    if not seen.swarm_manager:
        raise HostError(
            f"{where} manages no swarm, so no stack can be deployed there.",
            resolution="`invoke provision` makes it a swarm of one node.",
        )
    if seen.disk_used_percent is not None and seen.disk_used_percent >= FULL_PERCENT:
        raise HostError(
            f"The disk of {where} is full.",
            details=f"A file system that holds images is at {seen.disk_used_percent:.0f} %.",
            resolution="`ccci-prune status` on the host says what fills it; make room and try again.",
        )


def _no_agent(machine: Machine) -> HostError:
    return HostError(
        f"{machine.instance.where} has no retention agent, so nothing would hold back a sweep meanwhile.",
        resolution="Install it with `invoke provision`.",
    )


def _nobody_disturbed(machine: Machine, there: stacks.Stacks, *, reboots: bool) -> None:
    where = machine.instance.where
    if there.deploying:
        raise RefusedError(
            f"Somebody's deploy is under way on {where}.",
            details=f"Not converged: {'; '.join(there.deploying)}.",
            resolution="Wait until it has converged (`docker service ps NAME`), or mend it. "
            "Six hours after its last update a service is waited for no more.",
        )
    if reboots and there.strangers and not machine.config.allow_reboot:
        raise RefusedError(
            f"{where} runs what is somebody else's, and a reboot would stop it.",
            details=f"Running: {', '.join(there.strangers)}.",
            resolution=f"Set allow_reboot under [host.{machine.name}] in ccci.toml where that is all right.",
        )


def _remove_leftovers(run: Run, there: stacks.Stacks) -> None:
    """Any experiment that still runs would hold a lease: what bears a name of ours now has been left."""
    for stack in there.own:
        say(f"An earlier run had left the stack {stack}: removing it.")
        try:
            removal = teardown(run.machine, stack)
        except CcciError as error:  # some of it may be gone by now
            run.write(Leftovers(removed=(), left=(("stack", stack, error.brief),)))
            raise
        run.write(Leftovers(removed=removal.removed, left=removal.left))
