"""A service of a rendered compose file as the Docker API takes it. Pure; runs on the host, Python 3.9.

It knows what the lab's recipes use. Any other key is refused: a recipe must not run without what it asks for.
"""

from __future__ import annotations

import re
from typing import Any

NAMESPACE = "com.docker.stack.namespace"
IMAGE_LABEL = "com.docker.stack.image"
"""Docker's own label for the reference that was asked for."""
KNOWN = frozenset(
    {"command", "configs", "depends_on", "deploy", "entrypoint", "environment", "healthcheck", "image"}
    | {"labels", "networks", "restart", "secrets", "volumes"}
)
DEPLOY = frozenset({"labels", "mode", "replicas", "restart_policy", "rollback_config", "update_config"})
UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
READABLE = 0o444

Value = dict[str, Any]


class RecipeError(Exception):
    """The recipe asks for something that this harness cannot give."""


def checked(name: str, service: Value) -> Value:
    """`service`, where all of it is understood; raises `RecipeError`."""
    strange = sorted(set(service) - KNOWN) + sorted(set(service.get("deploy") or {}) - DEPLOY)
    if strange:
        raise RecipeError(f"{name}: this harness does not know {', '.join(strange)}.")
    return service


def service_spec(stack: str, name: str, service: Value, image: str, there: Value) -> Value:
    """The spec of one service; `there` holds `networks`, `secrets` and `configs`: things by key.

    A thing is `{"id", "name"}`, its name being that in the swarm.
    """
    deploy = service.get("deploy") or {}
    container = {
        "Image": image,
        "Labels": {**strings(service.get("labels")), NAMESPACE: stack},
        "Command": words(service.get("entrypoint")),
        "Args": words(service.get("command")),
        "Env": [f"{key}={value}" for key, value in strings(service.get("environment")).items()],
        "Mounts": [mount(stack, one) for one in service.get("volumes") or []],
        "Healthcheck": healthcheck(service.get("healthcheck")),
        "Secrets": [reference("Secret", one, there["secrets"], "") for one in service.get("secrets") or []],
        "Configs": [reference("Config", one, there["configs"], "/") for one in service.get("configs") or []],
    }
    networks = service.get("networks") or {"default": None}
    return {
        "Name": f"{stack}_{name}",
        "Labels": {**strings(deploy.get("labels")), NAMESPACE: stack, IMAGE_LABEL: service["image"]},
        "TaskTemplate": {
            "ContainerSpec": {key: value for key, value in container.items() if value},
            "RestartPolicy": restart(deploy.get("restart_policy") or {}),
            "Networks": [{"Target": there["networks"][key]["id"], "Aliases": [name]} for key in networks],
        },
        "Mode": {"Global": {}}
        if deploy.get("mode") == "global"
        else {"Replicated": {"Replicas": int(deploy.get("replicas", 1))}},
        "UpdateConfig": update(deploy.get("update_config") or {}),
        "RollbackConfig": update(deploy.get("rollback_config") or {}),
    }


def strings(mapping: Any) -> dict[str, str]:
    """A map of text; a value that nobody gave leaves its key out."""
    return {str(key): str(value) for key, value in (mapping or {}).items() if value is not None}


def words(command: Any) -> list[str]:
    """A command: a list as Docker renders it, or one word."""
    return [str(word) for word in ([command] if isinstance(command, str) else command or [])]


def nanoseconds(duration: Any) -> int:
    """`1m30s`, as the API takes it."""
    parts = re.findall(r"([0-9.]+)(h|ms|us|ns|m|s)", str(duration))
    return round(sum(float(number) * UNITS[unit] for number, unit in parts) * 1e9)


def healthcheck(said: Any) -> Value:
    """When a container counts as well."""
    if not said:
        return {}
    found: Value = {"Test": words(said["test"])}
    for key, name in (("interval", "Interval"), ("timeout", "Timeout"), ("start_period", "StartPeriod")):
        if key in said:
            found[name] = nanoseconds(said[key])
    if "retries" in said:
        found["Retries"] = int(said["retries"])
    return found


def mount(stack: str, said: Value) -> Value:
    """A volume, which gets the stack's name before its own, or a path of the host."""
    is_volume = said["type"] == "volume"
    found: Value = {
        "Type": said["type"],
        "Source": f"{stack}_{said['source']}" if is_volume else said["source"],
        "Target": said["target"],
        "ReadOnly": str(said.get("read_only", "false")) == "true",
    }
    if is_volume:
        found["VolumeOptions"] = {"Labels": {NAMESPACE: stack}}
    return found


def reference(kind: str, said: Value, things: dict[str, Value], root: str) -> Value:
    """A secret or a config as a service refers to it."""
    thing = things[said["source"]]
    target = {
        "Name": said.get("target") or root + said["source"],
        "UID": "0",
        "GID": "0",
        "Mode": int(said.get("mode", READABLE)),
    }
    return {f"{kind}ID": thing["id"], f"{kind}Name": thing["name"], "File": target}


def restart(said: Value) -> Value:
    """When a task that ended is followed by another."""
    found: Value = {"Condition": said.get("condition", "any")}
    if "delay" in said:
        found["Delay"] = nanoseconds(said["delay"])
    return found


def update(said: Value) -> Value:
    """How one version follows another."""
    found: Value = {"Parallelism": int(said.get("parallelism", 1)), "Order": said.get("order", "stop-first")}
    if "failure_action" in said:
        found["FailureAction"] = said["failure_action"]
    if "monitor" in said:
        found["Monitor"] = nanoseconds(said["monitor"])
    return found
