"""What every experiment has around it: preflight, lease, a history with an end, a host put back in order."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal

from ccci_host.errors import CcciError
from ccci_host.experiments import preflight, stacks
from ccci_host.experiments.interrupts import stoppable, undisturbed
from ccci_host.experiments.options import Options
from ccci_host.experiments.reboot import bring_back
from ccci_host.experiments.run import Run
from ccci_host.journal import Journal
from ccci_host.progress import say
from ccci_host.recipes import teardown
from ccci_host.records import Cleanup, Finished, Interrupted, Leftover, Name
from ccci_host.transport.machine import Machine

Outcome = Literal["done", "failed", "interrupted"]


@contextmanager
def session(
    machine: Machine, journal: Journal, options: Options, *, reboots: bool, agent_needed: bool = True
) -> Iterator[Run]:
    """A run within which things are done to the host; at its end they are undone, however it ends.

    Without `agent_needed` a host that has no agent is looked at all the same, under no lease. Raises what
    `preflight.make_sure` raises, and passes on what happens inside.
    """
    run = Run(machine, journal, options)
    ready = False
    outcome: Outcome = "failed"
    problem: str | None = None
    with stoppable():
        try:
            seen = preflight.begin(run)
            with run.phase("preflight"):
                preflight.make_sure(run, seen, reboots=reboots, agent_needed=agent_needed)
            ready = True
            run.look("start")
            yield run
            outcome, problem = ("failed", run.problem) if run.problem else ("done", None)
        except CcciError as error:
            problem = str(error)
            raise
        except KeyboardInterrupt as interrupt:
            outcome, problem = "interrupted", str(interrupt) or "Ctrl-C"
            run.write(Interrupted(how=problem, phase=run.current))
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            raise
        finally:
            try:
                with undisturbed():
                    if ready:
                        _put_back(run)
                    else:
                        with suppress(CcciError):  # stopped when preflight was over, and no more
                            _give_back(run)
                    run.write(Finished(outcome=outcome, problem=problem))
            except KeyboardInterrupt:
                _name_what_may_stay(run)
                raise


def _name_what_may_stay(run: Run) -> None:
    """Told twice to stop, nothing more is asked of the host; a person hears what he leaves there."""
    held = run.lease is not None and run.lease.id is not None
    names = [f"stack {stack}" for stack in sorted(run.stacks)] + ["the run's lease"] * held
    told = f"It may be on the host still: {', '.join(names) or 'nothing'}."
    say(f"{told} The next run finds and removes it.")
    run.write(Cleanup(removed=(), problem=f"It was told twice to stop. {told}"))


def _awaited(run: Run) -> list[str]:
    """See a machine up whose reboot did not come to its end; why it did not come back, if so."""
    try:
        bring_back(run.machine, timeout=run.options.boot_timeout)
    except CcciError as error:
        return [" ".join(str(error).splitlines())]
    return []


def _unseen(run: Run, left: list[Leftover], failed: Mapping[str, str]) -> list[Leftover]:
    """What the teardowns left without saying so: the daemon is asked in another way than theirs.

    `failed` has the reason of each that did not come to its end, by the stack.
    """
    told = {name for _, name, _ in left}
    return [
        (thing.kind, thing.name, failed.get(thing.stack, "its teardown said that nothing is left"))
        for thing in stacks.look(run.machine).things
        if thing.stack in run.stacks and thing.name not in told
    ]


def _give_back(run: Run) -> None:
    """The lease, where one was taken."""
    if run.lease is not None:
        run.lease.release()


def _why(error: Exception) -> str:
    return error.brief if isinstance(error, CcciError) else f"{type(error).__name__}: {error}"


def _put_back(run: Run) -> None:
    """Remove what the run made, look once more, give the lease back; what fails is said, not raised."""
    removed: list[Name] = []
    left: list[Leftover] = []
    problems: list[str] = []
    failed: dict[str, str] = {}
    if run.current == "reboot":
        problems += _awaited(run)
    if run.stacks:
        with suppress(CcciError):  # all at once, to save time; the teardowns say what stays
            stacks.let_go(run.machine, *sorted(run.stacks))
    for stack in sorted(run.stacks):
        try:
            removal = teardown(run.machine, stack)
            removed += removal.removed
            left += removal.left
        except Exception as error:  # whether it stays is for the daemon to say, below
            failed[stack] = _why(error)
            problems.append(f"stack {stack}: {failed[stack]}")
    steps: tuple[Callable[[], object], ...] = (
        lambda: left.extend(_unseen(run, left, failed)),
        lambda: run.look("end"),
        lambda: _give_back(run),
    )
    for step in steps:
        try:
            step()
        except Exception as error:  # one that fails, by a defect too, keeps nobody from the next
            problems.append(_why(error))
    for kind, name, why in left:
        say(f"Left behind: {kind} {name}: {why}")
    for problem in problems:
        say(f"Not put back in order: {problem}")
    run.write(Cleanup(removed=tuple(removed), left=tuple(left), problem="; ".join(problems) or None))
