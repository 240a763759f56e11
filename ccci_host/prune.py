"""The agent's decisions from afar: a plan, one image explained, a sweep now, an origin settled.

The host decides; this asks. Gates and rows are those of docs/retention.md, whoever starts the sweep.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ccci_host.agent import paths, references
from ccci_host.agent.references import Reference
from ccci_host.errors import HostError, NotFoundError, tail
from ccci_host.facts.manifests import Manifest, ask_registries
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine

PLAN_TIMEOUT = 300.0
SWEEP_TIMEOUT = 3600.0
"""Seconds; a sweep removes one image at a time, on whatever disk the host has."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What the agent said: for a person, as a value, and how it ended (0, or 1 for a sweep that failed)."""

    text: str
    value: Any
    exit_code: int = 0


def plan(machine: Machine, image: str = "") -> Pruning:
    """What would become of every image now, or of `image` alone, and why. Changes nothing.

    The value is the agent's own JSON: the agent knows which images a name means, and notes where it can but
    guess. Raises `NotFoundError` when the host has no such image, `HostError` when it has no agent of this
    checkout, `CommandFailedError` when nothing is known.
    """
    done = _run(machine, ["plan", "--json", *([image] if image else [])], PLAN_TIMEOUT)
    value = _value(machine, done, done.stdout)  # with whatever exit code: it may know of no such image
    if not image:
        return Pruning("\n".join(_lines(value)), value)
    if value.get("of") != image:
        raise HostError(
            f"The agent on {machine.name} does not tell of one image alone.",
            resolution="Install the agent of this checkout with `invoke provision`.",
        )
    if not _entries(value):
        raise NotFoundError(
            f"{machine.name} has no image {image}.",
            resolution="`invoke prune` lists them: name one by a reference, or by the beginning of its id.",
        )
    guess = [value["note"]] if value["note"] else []
    return Pruning("\n".join([*guess, *_lines(value)]), value)


def sweep(machine: Machine) -> Pruning:
    """A tick on the host, now: it deletes what may go where every gate is open."""
    done = _run(machine, ["sweep", "--json"], SWEEP_TIMEOUT)
    lines, brace, rest = done.stdout.partition(b"\n{")
    return Pruning(lines.decode(), _value(machine, done, brace + rest), done.exit_code)


def adopt(machine: Machine, image: str) -> Pruning:
    """Settle the origin of `image`, once its registry has said by `HEAD` that it has it.

    Raises `NotFoundError` when the host has no such image, or no registry has it.
    """
    asked = plan(machine, image).value
    (entry, *others) = _entries(asked)
    if others:
        raise NotFoundError(f"{image} means {1 + len(others)} images of {machine.name}; name one by its id.")
    if asked["note"]:
        raise NotFoundError(f"{image} may mean {entry['id']}; name it by its id.", details=asked["note"])
    named = [reference for text in entry["refs"] if (reference := references.parse(text)) is not None]
    by_digest = [reference for reference in named if reference.digest]
    answers = ask_registries(machine, by_digest or named)
    there = [answer for answer in answers if answer.found]
    if not there:
        raise NotFoundError(
            f"No registry was found to have {image}: it stays of unknown origin.",
            details="\n".join(f"{_shown(answer.reference)}: {_why_not(answer)}" for answer in answers),
            resolution="Push it there first; or, on the host, `ccci-prune adopt IMAGE` takes your word.",
        )
    done = _run(machine, ["adopt", entry["id"]], PLAN_TIMEOUT).check()
    shown = _shown(there[0].reference)
    certain = (
        "" if by_digest else f"; the registry's digest of it is {there[0].digest}, which was not compared"
    )
    return Pruning(f"{shown} is at its registry{certain}.\n{done.text}", {"adopted": entry["id"]})


def _value(machine: Machine, done: Completed, said: bytes) -> Any:
    """The JSON that the agent said; raises when it is none, as of an agent that was killed while it spoke."""
    try:
        return json.loads(said)
    except ValueError:
        done.check()
        raise HostError(
            f"The agent on {machine.name} does not say in JSON what it decided or did.",
            details=tail(done.stdout),
        ) from None


def _shown(reference: Reference) -> str:
    tag = f":{reference.tag}" if reference.tag else ""
    digest = f"@{reference.digest}" if reference.digest else ""
    return f"{references.familiar(reference.repository)}{tag}{digest}"


def _why_not(answer: Manifest) -> str:
    return answer.trouble or "its registry does not have it"


def _entries(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [*({**entry, "goes": True} for entry in plan["victims"]), *plan["kept"]]


def _lines(plan: dict[str, Any]) -> Sequence[str]:
    lines = [f"gate {name} is closed: {gate['reason']}" for name, gate in plan["gates"].items()]
    lines += [f"unreadable: {problem}" for problem in plan["unreadable"]]
    for entry in _entries(plan):
        name = ", ".join(entry["refs"]) or "(no name)"
        fate = "goes " if entry.get("goes") else "stays"
        lines.append(f"{fate}  {entry['id'][7:19]}  {name}  {entry['reason']}")
    return lines or ["The host has no images."]


def _run(machine: Machine, words: list[str], timeout: float) -> Completed:
    run = machine.run_repeatable if words[0] == "plan" else machine.executor.run
    done = run([paths.ARCHIVE, *words], timeout=timeout)
    if done.exit_code == 127 or (done.exit_code and b"ommand not found" in done.stderr):
        raise HostError(
            f"{machine.name} has no agent at {paths.ARCHIVE}.",
            resolution="`invoke provision` installs it.",
        )
    return done
