"""Whether registries have manifests, asked from the host by `HEAD`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from ccci_host.agent.references import Reference
from ccci_host.facts.proxy import going_out
from ccci_host.transport.machine import Machine

PROGRAM = going_out((resources.files(__package__) / "manifests_remote.py").read_text())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a registry says of a reference."""

    reference: Reference
    found: bool | None
    """None when nobody can tell."""
    digest: str = ""
    trouble: str = ""


def ask_registries(machine: Machine, references: Sequence[Reference]) -> tuple[Manifest, ...]:
    """Ask each reference's registry whether it has it: by digest where it names one. Costs no quota."""
    asked = []
    for reference in references:
        registry, _, repository = reference.repository.partition("/")
        asked.append(
            {
                "registry": registry,
                "repository": repository,
                "reference": reference.digest or reference.tag,
            }
        )
    payload = {"references": asked, "docker_config": machine.config.hub.docker_config}
    answers = machine.run_python(PROGRAM, payload, timeout=60.0 + 15 * len(asked), repeatable=True)
    return tuple(
        Manifest(reference, answer.get("found"), answer.get("digest", ""), answer.get("trouble", ""))
        for reference, answer in zip(references, answers, strict=True)
    )
