"""The controls, as they went."""

from ccci_host.checks.reading import count, name_of
from ccci_host.records import (
    ColdPullControl,
    EvictionControl,
    History,
    InterfaceSeen,
    PinControl,
    RequestsSeen,
    TagControl,
)
from ccci_host.report import words
from ccci_host.report.model import Control


def controls(history: History) -> tuple[Control, ...]:
    """Each control that the history tells of, run or not."""
    known = []
    evicted = history.last(EvictionControl)
    if evicted:
        kind = "canary" if evicted.canary else "image of the recipe"
        lines = (
            f"Removed: {name_of(evicted.reference)}, {kind}, with {count(len(evicted.layers), 'own layer')}.",
            *_control_lines(history),
        )
        known.append(Control("One image evicted on purpose", evicted.ran, _or_problem(evicted, lines)))
    pin = history.last(PinControl)
    if pin:
        lines = (
            f"Deployed: {pin.reference}, with {name_of(pin.cached) or 'nothing'} in the store.",
            f"The registry answered {pin.registry_status or 'nothing'} for it.",
            f"Outcome: {pin.outcome or 'unknown'}{f', {pin.error}' if pin.error else ''}",
        )
        known.append(Control("A pin that cannot resolve", pin.ran, _or_problem(pin, lines)))
    tag = history.last(TagControl)
    if tag:
        lines = (
            f"{tag.reference} moved: {words.short(tag.digest_before)}, then {words.short(tag.digest_after)}.",
            f"The redeploy ran {words.short(tag.digest_ran)}.",
        )
        known.append(Control("A tag that moves upstream", tag.ran, _or_problem(tag, lines)))
    cold = history.last(ColdPullControl)
    if cold:
        lines = (
            f"Pulled by a swarm task: {name_of(cold.reference)}{' (private)' if cold.private else ''}.",
            f"Its container ran image {words.short(cold.task_image_id)}.",
        )
        known.append(Control("A cold pull", cold.ran, _or_problem(cold, lines)))
    return tuple(known)


def _or_problem(
    control: EvictionControl | PinControl | TagControl | ColdPullControl, lines: tuple[str, ...]
) -> tuple[str, ...]:
    if not control.ran:
        return (f"Not run: {control.problem or 'no reason was written'}.",)
    return (*lines, *((control.problem,) if control.problem else ()))


def _control_lines(history: History) -> tuple[str, ...]:
    seen = history.during(InterfaceSeen, "control-redeploy", 0)
    asked = history.during(RequestsSeen, "control-redeploy", 0)
    lines = []
    if seen:
        lines.append(f"Interface: {seen.problem or words.size(seen.bytes) + ' came in'}.")
    if asked:
        layers = [request for request in asked.requests if request.is_layer_download]
        told = f"{count(len(layers), 'layer')} served, {words.size(sum(request.bytes for request in layers))}"
        lines.append(f"Registry log: {asked.problem or told}.")
    return tuple(lines)
