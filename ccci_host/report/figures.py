"""The numbers of the first screen."""

from ccci_host.checks.reading import before_redeploy, count, new_layers
from ccci_host.checks.weights import recipe_weight
from ccci_host.records import (
    History,
    InterfaceSeen,
    PlanSeen,
    PrunersSeen,
    RebootDone,
    RequestsSeen,
    StoreSeen,
    SweepSeen,
    TicksSeen,
)
from ccci_host.report import words
from ccci_host.report.model import Figure


def figures(history: History) -> tuple[Figure, ...]:
    """The few numbers that tell the story; none that nobody knows."""
    if not history.cycles:
        pulled = history.during(RequestsSeen, "cold-pull", 0)
        return _request_figures(pulled) if pulled else ()
    if history.last(PrunersSeen):
        return _prune_figures(history)
    cycle = history.cycles[-1]
    known = []
    deployed = history.deployment("redeploy", cycle) or history.deployment("deploy", cycle)
    if deployed:
        images = {service.image for service in deployed.services}
        known.append(Figure("images", str(len(images)), f"in {len(deployed.services)} services"))
    fresh = fresh_layers(history, cycle)
    if fresh is not None:
        known.append(
            Figure("layers downloaded by the redeploy", str(len(fresh[0])), f"of {fresh[1]} that it uses")
        )
    warm = history.during(InterfaceSeen, "redeploy", cycle)
    if warm and warm.bytes is not None:
        weight = recipe_weight(history, cycle)
        note = f"the recipe's layers weigh {words.size(weight)}" if weight else ""
        known.append(Figure("came in during the redeploy", words.size(warm.bytes), note))
    asked = history.during(RequestsSeen, "redeploy", cycle)
    if asked and not asked.problem:
        layers = sum(request.is_layer_download for request in asked.requests)
        counted = sum(request.costs_quota for request in asked.requests)
        known.append(
            Figure("layer requests at the registry", str(layers), f"{counted} manifests count as quota")
        )
    reboot = history.last(RebootDone)
    if reboot and reboot.seconds_to_ready is not None:
        known.append(
            Figure(
                "until the host was ready again",
                words.seconds(reboot.seconds_to_ready),
                "after the restart's request",
            )
        )
    if len(history.cycles) > 1:
        known.append(Figure("cycles", str(len(history.cycles)), "each judged on its own"))
    return tuple(known)


def _prune_figures(history: History) -> tuple[Figure, ...]:
    """What protects the images, in numbers."""
    known = []
    audit, ticks = history.last(PrunersSeen), history.last(TicksSeen)
    if audit and not audit.problem:
        active = sum(pruner.active for pruner in audit.pruners)
        known.append(Figure("other active pruners", str(active), "on the host, besides the agent"))
    pressed = [plan for plan in history.of(PlanSeen) if plan.simulated_percent is not None]
    if pressed and not pressed[-1].problem:
        plan = pressed[-1]
        images = len(plan.victims) + len(plan.kept)
        note = f"of {images} in the store, at a pretended {plan.simulated_percent:.0f} %"
        known.append(Figure("images that a full disk would cost", str(len(plan.victims)), note))
    held = [sweep for sweep in history.of(SweepSeen) if sweep.under == "lease" and not sweep.problem]
    if held:
        removed = sum(len(sweep.removed) for sweep in held)
        note = f"by {count(len(held), 'sweep')} beside the run"
        known.append(Figure("images removed under its lease", str(removed), note))
    if ticks and not ticks.problem and ticks.used + ticks.available:
        used = 100 * ticks.used / (ticks.used + ticks.available)
        marks = f"low and high watermark: {ticks.low_percent or 0:g} and {ticks.high_percent or 0:g} %"
        known.append(Figure("of the store's disk in use", f"{used:.1f} %", marks))
        known.append(Figure("ticks of the agent", str(len(ticks.ticks)), "in the last day, by its journal"))
    return tuple(known)


def _request_figures(seen: RequestsSeen) -> tuple[Figure, ...]:
    counted = [request for request in seen.requests if request.costs_quota]
    anonymous = sum(request.account is None for request in counted)
    payers = sorted({request.account for request in counted if request.account})
    return (
        Figure("manifests that count as quota", str(len(counted)), "in the cold pull"),
        Figure("of them anonymous", str(anonymous), f"the others paid by {', '.join(payers) or 'nobody'}"),
    )


def fresh_layers(history: History, cycle: int) -> tuple[frozenset[str], int] | None:
    """Keys of the recipe's layers that the redeploy wrote, and how many it uses; None when nobody knows."""
    before = history.at(StoreSeen, before_redeploy(history, cycle), cycle)
    after = history.at(StoreSeen, "redeployed", cycle)
    deployed = history.deployment("redeploy", cycle)
    if before is None or after is None or deployed is None or before.problem or after.problem:
        return None
    images = (after.image_with(service.digest) for service in deployed.services if service.digest)
    wanted = {key for image in images if image for key in image.layers}
    used = wanted.intersection(layer.key for layer in after.layers)
    return new_layers(before, after) & used, len(used)
