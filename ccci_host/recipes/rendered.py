"""What Docker's own parser makes of an app: `docker stack config`, read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ccci_host.errors import DeployError
from ccci_host.recipes.app import NAME_LIMIT

DEFAULT_TIMEOUT = 300.0
"""Seconds to converge for a recipe whose labels do not say."""
PREDEFINED = frozenset({"host", "bridge", "none", "default", "ingress"})
"""Networks that every engine has."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A thing that the swarm would know by a name without the stack's before it."""

    section: str
    """Of the compose file: `configs`, `secrets`, `volumes` or `networks`."""
    key: str
    """In that section."""
    name: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of a rendered configuration that a deploy has to know."""

    services: tuple[str, ...]
    images: tuple[str, ...]
    """The reference that each service asks for, as the recipe writes it."""
    timeout: float
    """Seconds that the recipe may take to converge."""
    external_secrets: Mapping[str, str]
    """Names in the swarm of the external secrets in use, and the variable that carries each one's version."""
    external_configs: tuple[str, ...]
    external_networks: tuple[str, ...]
    foreign: tuple[Foreign, ...]
    """What a deploy would make or take over, and every volume, under a name that is not the stack's."""


def read_rendered(config: str, raw: str, *, stack: str) -> Rendered:
    """Read `config` as `docker stack config` printed it, and `raw`, the same without interpolation or empty.

    Raises `DeployError` when a name is longer than Docker allows, when the version of a secret is not set, or
    when there is no service.
    """
    tree = _load(config)
    unresolved = _section(_load(raw), "secrets") if raw else {}
    services = _section(tree, "services")
    if not services:
        raise DeployError("The recipe's compose files define no service.")
    rendered = Rendered(
        services=tuple(services),
        images=tuple(str(one["image"]) for one in services.values() if one.get("image")),
        timeout=_timeout(services, stack),
        external_secrets={
            name: _version_variable(key, unresolved.get(key))
            for key, name in _external(tree, "secrets", _used(services, "secrets"))
        },
        external_configs=tuple(name for _, name in _external(tree, "configs", _used(services, "configs"))),
        external_networks=tuple(
            name
            for _, name in _external(tree, "networks", _used(services, "networks"))
            if name not in PREDEFINED
        ),
        foreign=tuple(_foreign(tree, stack)),
    )
    _check_names(tree, rendered)
    return rendered


def _load(text: str) -> dict[str, Any]:
    # Every scalar stays the text that Docker wrote: a tag `1.10` is no number.
    tree = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and maps only
    return tree if isinstance(tree, dict) else {}


def _section(tree: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    section = tree.get(name)
    if not isinstance(section, dict):
        return {}
    return {key: value if isinstance(value, dict) else {} for key, value in section.items()}


def _used(services: Mapping[str, Mapping[str, Any]], kind: str) -> set[str]:
    used = set()
    for service in services.values():
        entries = service.get(kind) or []
        for entry in entries:  # a list, or a map whose keys are the names
            used.add(str(entry["source"]) if isinstance(entry, dict) else str(entry))
    return used


def _external(tree: Mapping[str, Any], kind: str, used: set[str]) -> list[tuple[str, str]]:
    return [
        (key, _external_name(key, entry))
        for key, entry in _section(tree, kind).items()
        if key in used and _is_external(entry)
    ]


def _is_external(entry: Mapping[str, Any]) -> bool:
    return entry.get("external") not in (None, "", "false")


def _external_name(key: str, entry: Mapping[str, Any]) -> str:
    external = entry["external"]
    named = external.get("name") if isinstance(external, dict) else None
    return str(entry.get("name") or named or key)


def _foreign(tree: Mapping[str, Any], stack: str) -> Iterator[Foreign]:
    """Docker puts the stack's name before a key, and nothing before a `name:` or what is external."""
    for section in ("configs", "secrets", "volumes", "networks"):
        for key, entry in _section(tree, section).items():
            if not _is_external(entry):
                name = str(entry.get("name") or f"{stack}_{key}")
            elif section == "volumes":  # it is written to; all else that is external is only used
                name = _external_name(key, entry)
            else:
                continue
            if not name.startswith(f"{stack}_"):
                yield Foreign(section, key, name)


def _version_variable(key: str, raw: Mapping[str, Any] | None) -> str:
    """The variable that carries the secret's version, whose comment in the `.env` says how to generate it."""
    name = str((raw or {}).get("name", ""))
    start = name.find("SECRET_")
    if start >= 0:
        word = name[start:]
        return word[
            : next((at for at, sign in enumerate(word) if not (sign.isalnum() or sign == "_")), len(word))
        ]
    return f"SECRET_{key.replace('-', '_').upper()}_VERSION"


def _timeout(services: Mapping[str, Mapping[str, Any]], stack: str) -> float:
    label = f"coop-cloud.{stack}.timeout"
    said = []
    for service in services.values():
        deploy = service.get("deploy") or {}
        value = str((deploy.get("labels") or {}).get(label, ""))
        if value.isdecimal() and int(value) > 0:
            said.append(float(value))
    return max(said, default=DEFAULT_TIMEOUT)


def _check_names(tree: Mapping[str, Any], rendered: Rendered) -> None:
    names = [
        str(entry.get("name", ""))
        for kind in ("secrets", "configs")
        for entry in _section(tree, kind).values()
    ]
    long = [name for name in (*names, *rendered.external_secrets) if len(name) > NAME_LIMIT]
    if long:
        raise DeployError(
            f"Docker allows {NAME_LIMIT} characters for the name of a secret or config.",
            details="\n".join(f"{name} has {len(name)}." for name in sorted(set(long))),
            resolution="Deploy it under a shorter domain.",
        )
    # Docker would refuse it as an invalid name, and not say why it is one.
    unset = {name: variable for name, variable in rendered.external_secrets.items() if name.endswith("_")}
    if unset:
        variables = sorted(set(unset.values()))
        raise DeployError(
            f"The app's environment does not set {', '.join(variables)}.",
            details=f"Without a version in its name there is no secret {', '.join(sorted(unset))}.",
            resolution=f"Add {', '.join(f'{name}=v1' for name in variables)} to it.",
        )
