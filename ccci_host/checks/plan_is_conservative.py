"""Whether the agent, under a pressure that is only pretended, would spare what is in use or young."""

from typing import Any

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import MAY_GO, count, listed, name_of
from ccci_host.checks.registry import check
from ccci_host.records import Deployed, History, PlanSeen, StrangersSeen, digest_of

REPORT = "Run `invoke provision`; if the plan stays like this, report it with `ccci-prune snapshot`."


@check(
    pc="PC1",
    sentence="base and in-use images stay; only truly orphaned, old images go",
    witnesses=("agent's own plan", "containers", "swarm services"),
    tasks=("verify-pc1",),
    order=24,
)
def plan_is_conservative(history: History) -> Answer:
    """The recipe of this run was used minutes ago: none of its images may be a victim, at any pressure.

    Nor may an image that others had a container or a service of when the run began. And while a gate is
    closed, on the disk as it is, nothing may go.
    """
    plans = history.of(PlanSeen)
    readable = [plan for plan in plans if not plan.problem and not plan.unreadable]
    pressed = [plan for plan in readable if plan.simulated_percent is not None]
    if not pressed:
        problem = next((plan.problem for plan in plans if plan.problem), None)
        raise NoEvidenceError(f"The agent made no plan under pressure: {problem or 'it was not asked'}.")
    ours = {
        service.digest: name_of(service.image)
        for deployed in history.of(Deployed)
        for service in deployed.deployment.services
        if service.digest
    }
    strangers = history.at(StrangersSeen, "start", 0)
    theirs = _held_by(strangers) if strangers else {}
    wrong: list[str] = []
    for plan in readable:
        for victim in plan.victims:
            named = [ours[digest] for digest in _digests(victim) if digest in ours]
            named += [f"{_name(victim)} of {theirs[key]}" for key in _keys(victim) if key in theirs]
            if named or victim.get("class") not in MAY_GO:
                wrong.append(f"{(named or [_name(victim)])[0]} ({victim.get('reason', 'no reason')})")
    if wrong:
        return failed(
            f"Under pressure the agent would delete what it must keep: {listed(wrong)}.",
            todo=REPORT,
        )
    hasty = [
        _name(victim)
        for plan in readable
        if plan.simulated_percent is None and any(plan.gates.values())
        for victim in plan.victims
    ]
    if hasty:
        return failed(f"The agent would delete behind a closed gate: {listed(hasty)}.", todo=REPORT)
    if strangers is None or strangers.problem:
        problem = strangers.problem if strangers else "no look"
        raise NoEvidenceError(f"Which images others have in use was not seen: {problem}.")
    free = [plan for plan in pressed if not any(plan.gates.values())]
    if not free:
        gates = listed(name for name, gate in pressed[-1].gates.items() if gate)
        raise NoEvidenceError(f"A gate was closed ({gates}), so no plan shows who would go under pressure.")
    plan = free[-1]
    told = {digest for image in plan.kept for digest in _digests(image)}
    missing = [name for digest, name in ours.items() if digest not in told]
    if missing or not ours:
        raise NoEvidenceError(f"The agent's plan does not tell of the recipe's images: {listed(missing)}.")
    return passed(
        f"At a pretended {plan.simulated_percent:.0f} % it would keep {count(len(plan.kept), 'image')}, "
        f"the recipe's among them, and let {count(len(plan.victims), 'image')} go."
    )


def _held_by(strangers: StrangersSeen) -> dict[str, str]:
    """What holds an image of others, by its id or digest; by its tag where a service's spec has no digest."""
    held = {
        digest_of(state.image) or _tag(state.image): f"service {state.name}" for state in strangers.states
    }
    return held | {one.image: f"container {one.name}" for one in strangers.containers}


def _keys(image: dict[str, Any]) -> tuple[str, ...]:
    """All that an image may be held by: on the containerd store its id is a digest as well."""
    return (*_digests(image), *(_tag(str(ref)) for ref in image.get("refs") or ()))


def _tag(reference: str) -> str:
    """`repository:tag` as Docker lists it, without what it implies; a tag is implied too."""
    for prefix in ("docker.io/", "library/"):
        reference = reference.removeprefix(prefix)
    return reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"


def _digests(image: dict[str, Any]) -> tuple[str, ...]:
    carried = (digest_of(str(ref)) for ref in image.get("refs") or ())
    return (str(image.get("id")), *(digest for digest in carried if digest))


def _name(image: dict[str, Any]) -> str:
    refs = image.get("refs") or ()
    return name_of(str(refs[0])) if refs else str(image.get("id"))[:19]
