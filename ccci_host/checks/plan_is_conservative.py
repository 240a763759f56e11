"""Whether the agent, under a pressure that is only pretended, would spare what is in use or young."""

from typing import Any

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import count, listed, name_of
from ccci_host.checks.registry import check
from ccci_host.records import Deployed, History, PlanSeen

GOES = ("orphaned", "superseded", "idle")
"""Classes of images that may go (docs/prune-policy.md)."""


@check(
    pc="PC1",
    sentence="base and in-use images stay; only truly orphaned, old images go",
    witnesses=("agent's own plan",),
    tasks=("verify-pc1",),
    order=24,
)
def plan_is_conservative(history: History) -> Answer:
    """The recipe of this run was used minutes ago: none of its images may be a victim, at any pressure."""
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
    wrong: list[str] = []
    for plan in readable:
        for victim in plan.victims:
            named = [ours[digest] for digest in _digests(victim) if digest in ours]
            if named or victim.get("class") not in GOES:
                wrong.append(f"{(named or [_name(victim)])[0]} ({victim.get('reason', 'no reason')})")
    if wrong:
        return failed(
            f"Under pressure the agent would delete what it must keep: {listed(wrong)}.",
            todo="Run `invoke provision`; if the plan stays like this, report it with `ccci-prune snapshot`.",
        )
    victims = {str(victim.get("id")) for plan in pressed for victim in plan.victims}
    kept = {str(image.get("id")) for plan in pressed for image in plan.kept}
    if not victims and not kept:
        raise NoEvidenceError("The agent's plan names no image at all, so it shows nothing.")
    return passed(
        f"At a pretended {pressed[-1].simulated_percent:.0f} % it would keep {count(len(kept), 'image')} "
        f"and let {count(len(victims), 'image')} go, none of them the recipe's."
    )


def _digests(victim: dict[str, Any]) -> tuple[str, ...]:
    refs = victim.get("refs") or ()
    return (str(victim.get("id")), *(str(ref).partition("@")[2] for ref in refs if "@" in str(ref)))


def _name(victim: dict[str, Any]) -> str:
    refs = victim.get("refs") or ()
    return name_of(str(refs[0])) if refs else str(victim.get("id"))[:19]
