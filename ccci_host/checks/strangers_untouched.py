"""Whether what else lives on the host is the same after the run as before."""

from collections.abc import Iterator
from datetime import datetime

from ccci_host.checks.fates import Fate, fate, fate_at_rest, fate_over_reboot
from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed, unknown
from ccci_host.checks.reading import began, count, listed
from ccci_host.checks.registry import EVERY_TASK, check
from ccci_host.records import History, StrangeContainer, StrangersSeen, StrangeService
from ccci_host.verdict import Verdict

LATELY, OFTEN = 600.0, 3
"""A slot of which so many containers failed in so many seconds before the run was restarting by then."""


@check(
    pc="run",
    sentence="a stranger's stack on the host is untouched: containers, volumes, restart counts",
    witnesses=("containers", "swarm services", "daemon events"),
    tasks=EVERY_TASK,
    order=60,
)
def strangers_untouched(history: History) -> Answer:
    """After a reboot a service's containers are new ones; other containers, services and volumes are not.

    A container that ended by itself was not disturbed, and a service that fails has its containers replaced.
    Where nobody can tell whose doing an end is: UNKNOWN. A service was updated when its spec is another: the
    index of its version is raised by swarm itself as well. One that was only started is not disturbed where a
    schedule of its own does that.
    """
    before, after = history.at(StrangersSeen, "start", 0), history.at(StrangersSeen, "end", 0)
    if before is None or after is None or before.problem or after.problem:
        why = next((seen.problem for seen in (before, after) if seen and seen.problem), None)
        raise NoEvidenceError(f"Other stacks were not seen before and after: {why or 'no look'}.")
    rebooted = any(began(history, "reboot", cycle) for cycle in history.cycles)
    fates = [*_services(before, after, rebooted=rebooted), *_containers(before, after, rebooted=rebooted)]
    by = {verdict: [one.told for one in fates if one.verdict is verdict] for verdict in Verdict}
    if by[Verdict.FAIL]:
        return failed(
            f"The run disturbed what else lives on the host: {listed(by[Verdict.FAIL])}.",
            *by[Verdict.UNKNOWN],
            *by[Verdict.PASS],
            todo="See whether somebody else worked on the host; if not, report it with the history.",
        )
    if by[Verdict.UNKNOWN]:
        return unknown(
            f"Whether the run disturbed what else lives on the host is not known: "
            f"{listed(by[Verdict.UNKNOWN])}.",
            *by[Verdict.PASS],
            todo="See on the host why; run again while nothing else there starts and ends.",
        )
    what = f"{count(len(before.containers), 'container')} and {count(len(before.services), 'service')}"
    same = "the run disturbed none of them" if by[Verdict.PASS] else "are the same after"
    return passed(f"{what} of others were there before, and {same}.", *by[Verdict.PASS])


def _services(before: StrangersSeen, after: StrangersSeen, *, rebooted: bool) -> Iterator[Fate]:
    """What became of services and volumes."""
    now = dict(after.services)
    known = [{state.name: state for state in seen.states if state.spec} for seen in (before, after)]
    for name, version in before.services:
        if name not in now:
            yield Fate(Verdict.FAIL, f"service {name} is gone")
        elif all(name in states for states in known):
            yield from _by_spec(*(states[name] for states in known))
        elif now[name] != version and not rebooted:
            yield Fate(Verdict.FAIL, f"service {name} was updated")
    for name in before.volumes:
        if name not in after.volumes:
            yield Fate(Verdict.FAIL, f"volume {name} is gone")
    states = {state.name: state for state in after.states}
    for was in before.states:
        state = states.get(was.name)
        if state is not None and state.running < was.running:
            tasks = f"{state.running} of {count(state.desired, 'task')}"
            yield Fate(Verdict.UNKNOWN, f"service {was.name} runs {tasks}, and ran {was.running} before")


def _by_spec(was: StrangeService, now: StrangeService) -> Iterator[Fate]:
    """What became of a service whose spec both looks know."""
    started = now.forced != was.forced
    if now.spec != was.spec and not (started and now.spec == was.fired):
        yield Fate(Verdict.FAIL, f"service {was.name} was updated")
    elif started and was.fired:
        yield Fate(Verdict.PASS, f"service {was.name} was started by its schedule")
    elif started:
        yield Fate(Verdict.UNKNOWN, f"service {was.name} was started anew, by a schedule or by somebody")


def _containers(before: StrangersSeen, after: StrangersSeen, *, rebooted: bool) -> Iterator[Fate]:
    """What became of the containers, apart from those in slots that were restarting before."""
    now = {container.id: container for container in after.containers}
    restless = _restless(before)
    for name in sorted({service for service, _ in restless}):
        yield Fate(Verdict.PASS, f"service {name} was restarting before")
    kept = _kept(before, after)
    for container in before.containers:
        if _slot(container) not in restless:
            replaced = container.service in kept
            found = _fate(container, now.get(container.id), after, replaced=replaced, rebooted=rebooted)
            if found is not None:
                yield found


def _kept(before: StrangersSeen, after: StrangersSeen) -> set[str]:
    """The services that are to run as many tasks as before: swarm replaces whatever of them ended."""
    return {
        was.name
        for was in before.states
        for now in after.states
        if now.name == was.name and now.desired >= was.desired
    }


def _fate(
    before: StrangeContainer,
    after: StrangeContainer | None,
    seen: StrangersSeen,
    *,
    replaced: bool,
    rebooted: bool,
) -> Fate | None:
    """What became of one; a service's that did not run, or ran before a reboot, are swarm's to clear."""
    if before.state != "running":
        return None if before.service or rebooted else fate_at_rest(before, after)
    if not rebooted:
        return fate(before, after, seen, replaced=replaced)
    return None if before.service else fate_over_reboot(before, after, seen)


def _slot(container: StrangeContainer) -> tuple[str, str]:
    """Its service and place in it: swarm names containers `SERVICE.SLOT.TASK`, or `SERVICE.NODE.TASK`."""
    return container.service, container.name.rpartition(".")[0]


def _restless(seen: StrangersSeen) -> set[tuple[str, str]]:
    """The slots that were restarting by then; what an update stops in good order is none of it."""
    ended = [
        _slot(container)
        for container in seen.containers
        if container.service
        and container.state != "running"
        and container.exit_code != 0
        and container.finished_at
        and datetime.fromisoformat(container.finished_at).timestamp() > seen.host_clock - LATELY
    ]
    return {slot for slot in ended if ended.count(slot) >= OFTEN}
