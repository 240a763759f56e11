"""What the lab's harness does: `deploy STACK FOLDER ENV_FILE`, `undeploy STACK`, `clean-up STACK`.

Runs on the host, Python 3.9, with PyYAML at its side. Docker renders the recipe; the rest is asked of the API
at `DOCKER_HOST` where that names a socket. The registry is asked for the digest of each service anew, also
where the recipe pins one, as Docker's own client does (measured, 26.1.5). No request carries a login.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import shlex
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from .spec import NAMESPACE, RecipeError, Value, checked, service_spec

SOCKET = "/var/run/docker.sock"
SECONDS = 120.0
"""What an answer of the daemon, and the end of a stack, may take."""


class RefusedError(Exception):
    """The daemon refuses."""


class Connection(http.client.HTTPConnection):
    """HTTP over a socket."""

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(os.environ.get("DOCKER_HOST", "").replace("unix://", "", 1) or SOCKET)


def ask(method: str, path: str, body: Any = None, accept: tuple[int, ...] = ()) -> Any:
    """The daemon's answer; None for a status among `accept`. Raises `RefusedError` for other bad ones."""
    connection = Connection("docker")
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status in accept:
        return None
    answer = json.loads(text) if text.strip() else None
    if response.status >= 400:
        raise RefusedError(
            f"{method} {path.partition('?')[0]}: {(answer or {}).get('message', response.status)}"
        )
    return answer


def labelled(kind: str, stack: str) -> list[Value]:
    """Things of the stack."""
    filters = urllib.parse.quote(json.dumps({"label": [f"{NAMESPACE}={stack}"]}))
    answer = ask("GET", f"/{kind}?all=1&filters={filters}")
    return list((answer["Volumes"] or []) if kind == "volumes" else answer)


def by_name(kind: str) -> dict[str, Value]:
    """Ids and names in the swarm, by name."""
    return {
        name: {"id": one.get("ID") or one.get("Id"), "name": name}
        for one in ask("GET", f"/{kind}")
        for name in [(one.get("Spec") or one)["Name"]]
    }


# --- deploy


def read_env(path: str) -> dict[str, str]:
    """The app's environment; every line is `NAME='value'` or `NAME="value"`."""
    return dict(word.split("=", 1) for word in shlex.split(Path(path).read_text(), comments=True))


def rendered(folder: str, env: dict[str, str]) -> Value:
    """The recipe as Docker's own parser reads it."""
    files = (env.get("COMPOSE_FILE") or "compose.yml").split(":")
    flags = [word for name in files for word in ("--compose-file", name)]
    argv = ["docker", "stack", "config", *flags]
    done = subprocess.run(
        argv,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(yaml.load(done.stdout, Loader=yaml.BaseLoader))  # noqa: S506 - makes text, lists and maps only


def deploy(stack: str, folder: str, env_file: str) -> None:
    """Make networks, secrets and configs, then each service."""
    tree = rendered(folder, read_env(env_file))
    services: Value = {name: checked(name, one) for name, one in tree["services"].items()}
    if any(not one.get("networks") for one in services.values()):
        tree.setdefault("networks", {}).setdefault("default", {})
    there = {
        "networks": made("networks", stack, tree, network),
        "secrets": made("secrets", stack, tree, secret),
        "configs": made("configs", stack, tree, config),
    }
    now = by_name("services")
    for name, service in services.items():
        spec = service_spec(stack, name, service, resolved(service["image"]), there)
        if spec["Name"] in now:
            version = ask("GET", f"/services/{spec['Name']}")["Version"]["Index"]
            ask("POST", f"/services/{spec['Name']}/update?version={version}", spec)
        else:
            ask("POST", "/services/create", spec)
        print(f"{spec['Name']}: {spec['TaskTemplate']['ContainerSpec']['Image']}")


def resolved(image: str) -> str:
    """`image` with the digest that its registry gives for it now; as it is where the registry gives none."""
    path, at, _ = image.partition("@")
    tagged = image if at or ":" in path.rpartition("/")[2] else f"{image}:latest"
    try:
        answer = ask("GET", f"/distribution/{urllib.parse.quote(tagged, safe='/:@')}/json")
    except RefusedError as error:
        print(f"{tagged} goes without a digest: {error}", file=sys.stderr)
        return tagged
    return tagged if at else f"{tagged}@{answer['Descriptor']['digest']}"


def made(kind: str, stack: str, tree: Value, body: Callable[[str, Value], Value]) -> Value:
    """The networks, secrets or configs of the recipe by key, made where the swarm has none of that name."""
    found: Value = {}
    now = by_name(kind)
    for key, entry in (tree.get(kind) or {}).items():
        one = entry or {}
        name = one.get("name") or (key if one.get("external") == "true" else f"{stack}_{key}")
        if name not in now:
            answer = ask("POST", f"/{kind}/create", {"Name": name, **body(stack, one)})
            now[name] = {"id": answer.get("ID") or answer.get("Id"), "name": name}
        found[key] = now[name]
    return found


def network(stack: str, one: Value) -> Value:
    """An overlay of the stack, or everybody's, which no undeploy takes away."""
    outside = one.get("external") == "true"
    return {
        "Driver": "overlay",
        "Attachable": outside or one.get("attachable") == "true",
        "Labels": {} if outside else {NAMESPACE: stack},
    }


def secret(_stack: str, _one: Value) -> Value:
    """A value of its own making; it carries no label, as those of abra carry none (read)."""
    return {"Data": base64.b64encode(secrets.token_hex(16).encode()).decode()}


def config(stack: str, one: Value) -> Value:
    """The content of a file of the recipe."""
    found: Value = {
        "Data": base64.b64encode(Path(one["file"]).read_bytes()).decode(),
        "Labels": {NAMESPACE: stack},
    }
    if one.get("template_driver"):
        found["Templating"] = {"Name": one["template_driver"]}
    return found


# --- undeploy, clean up


def undeploy(stack: str) -> None:
    """Remove services, configs and networks; returns when the containers are gone."""
    for one in labelled("services", stack):
        ask("DELETE", f"/services/{one['ID']}", accept=(404,))
    for one in labelled("containers/json", stack):
        ask("POST", f"/containers/{one['Id']}/wait?condition=removed", accept=(404,))
    for one in labelled("configs", stack):
        ask("DELETE", f"/configs/{one['ID']}", accept=(404,))
    remove_all("networks", "Id", stack)


def clean_up(stack: str) -> None:
    """Remove volumes and secrets; the latter are known by their names alone."""
    remove_all("volumes", "Name", stack)
    for name, one in by_name("secrets").items():
        if name.startswith(f"{stack}_"):
            ask("DELETE", f"/secrets/{one['id']}", accept=(404,))


def remove_all(kind: str, key: str, stack: str) -> None:
    """Remove the stack's things, patiently: what a task used is free a moment after the task has gone."""
    until = time.monotonic() + SECONDS
    while found := labelled(kind, stack):
        try:
            for one in found:
                ask("DELETE", f"/{kind}/{urllib.parse.quote(one[key], safe='')}", accept=(404,))
        except RefusedError:
            if time.monotonic() > until:
                raise
            threading.Event().wait(0.25)


WORDS: dict[str, Callable[..., None]] = {"deploy": deploy, "undeploy": undeploy, "clean-up": clean_up}


def main(argv: list[str]) -> int:
    """One word with its arguments; 1 when the daemon or the recipe will not have it."""
    try:
        WORDS[argv[0]](*argv[1:])
    except (RefusedError, RecipeError, OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
