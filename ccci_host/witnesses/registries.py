"""Questions to registries, put from the CI host by `HEAD`."""

from typing import Any

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import USER_AGENT, source

TIMEOUT = 180.0


def ask(machine: Machine, **questions: list[dict[str, Any]]) -> dict[str, Any]:
    """The answers of `registry_remote.py`; one with `problem` when it could not be run at all."""
    payload = {"config": machine.config.hub.docker_config, "agent": USER_AGENT, **questions}
    try:
        said: dict[str, Any] = machine.run_python(
            source("registry"), payload, timeout=TIMEOUT, repeatable=True
        )
    except (CommandFailedError, HostError) as error:
        return {"problem": str(error)}
    return said


def manifest_at_registry(machine: Machine, reference: str) -> dict[str, Any]:
    """What the registry says of a reference: `status`, and `digest` or None; or else `problem`."""
    registry, repository, word = split_reference(reference)
    said = ask(machine, manifests=[{"registry": registry, "repository": repository, "reference": word}])
    answer: dict[str, Any] = said if "problem" in said else said["manifests"][0]
    return answer


def split_reference(reference: str) -> tuple[str, str, str]:
    """Registry, repository, and tag or digest of an image reference; a digest goes before a tag.

    Names as Docker reads them: `nginx` is `docker.io`, `library/nginx`, `latest`.
    """
    name, _, digest = reference.partition("@")
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = first, rest
    else:
        registry, path = "docker.io", name
    repository, colon, tag = path.rpartition(":")
    if not colon:
        repository, tag = path, ""
    if registry in ("docker.io", "index.docker.io"):
        registry = "docker.io"
        repository = repository if "/" in repository else f"library/{repository}"
    return registry, repository, digest or tag or "latest"
