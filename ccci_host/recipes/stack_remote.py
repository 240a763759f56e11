"""Deploys and removes stacks on the host. Runs there: Python 3.9, standard library only.

Standard input: `{"word": …, …}`, the words being `WORDS`. Standard output: one JSON value. A recipe's files
and an app's environment come in on standard input, live in a folder of mode 0700 while the Docker CLI needs
them, and go.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

DOCKER_SOCKET = "/var/run/docker.sock"
DOCKER_TIMEOUT = 60.0
JOURNAL_TIMEOUT = 20.0
"""Seconds to read the daemon's journal in."""
BETWEEN_LOOKS = 0.1
"""Seconds between two looks of the host's own."""
NAMESPACE = "com.docker.stack.namespace"
TASK_LABEL = "com.docker.swarm.task.id"
OWN_STACK = re.compile(r"ccci-[a-z0-9-]+--[a-z0-9]+_test")
"""The name of an experiment's stack, as in `witnesses.strangers`: this program imports nothing of ours."""
OURS = "ccci-host.stack"
"""Label of a secret that the suite generated: the stack that it belongs to."""
HEALTH = re.compile(r"\((.*?)\)")
"""Health or exit code in a container's status."""
NOT_FOR_DOCKER = re.compile(r"PATH|LD_\w*|DOCKER_(?:AUTH_CONFIG|TLS\w*|CERT_PATH|API_VERSION|CLI_\w*)")
"""Variables that decide which code runs as `docker`, whose login it uses, and how it talks to the daemon.

Those of `pins` in the agent, but for the ones that the flags of `docker_cli` beat: apps may use them.
"""
PULL_FAILED = re.compile(
    r'msg="pulling image failed" error="(?P<error>(?:[^"\\]|\\.)*)".* task\.id=(?P<task>\w+)'
)

Json = Any
Value = dict[str, Any]


class TroubleError(Exception):
    """Something to tell the controller instead of an answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class SocketConnection(http.client.HTTPConnection):
    """HTTP over the daemon's socket."""

    def connect(self) -> None:
        """Open the socket; `http.client` calls this when it needs it."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(DOCKER_TIMEOUT)
        self.sock.connect(DOCKER_SOCKET)


class Daemon:
    """The Docker API, unversioned paths: the daemon's own version, whichever that is."""

    def __init__(self) -> None:
        self.connection = SocketConnection("localhost")

    def ask(self, method: str, path: str, body: Json = None) -> tuple[int, Json]:
        """The status and the answer; raises `TroubleError` when the daemon does not answer."""
        sent = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, sent, {"Content-Type": "application/json"})
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise TroubleError(
                "daemon", f"The Docker daemon does not answer: {error or type(error).__name__}"
            ) from None
        return response.status, json.loads(text) if text else None

    def get(self, path: str, **filters: list[str]) -> Json:
        """The answer to a GET; raises `TroubleError` for any status other than 200."""
        if filters:
            more = urllib.parse.quote(json.dumps(filters))
            path += f"{'&' if '?' in path else '?'}filters={more}"
        status, answer = self.ask("GET", path)
        if status != 200:
            # 503 is the daemon's answer where it is no swarm manager.
            raise TroubleError("swarm" if status in (406, 503) else "daemon", said(answer))
        return answer


def said(answer: Json) -> str:
    """The daemon's own words out of an answer that refuses."""
    return str(answer.get("message", answer) if isinstance(answer, dict) else answer)


daemon = Daemon()


# --- The Docker CLI, with a recipe's files and an app's environment


def run_folder() -> Path:
    """Where files live that a reboot may take away: in memory, where the host has such a place."""
    run = Path("/run")
    return run if run.is_dir() else Path(tempfile.gettempdir())


@contextlib.contextmanager
def unpacked(files: list[Value]) -> Iterator[str]:
    """The recipe's files in a folder that nobody else can read, for as long as the block runs."""
    folder = tempfile.mkdtemp(prefix="ccci-recipe-", dir=run_folder())
    try:
        for file in files:
            path = Path(folder, file["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(file["content"]))
            path.chmod(file["mode"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def docker_cli(payload: Value, folder: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`docker stack WORDS` in `folder`, with the app's environment and none of ours.

    What in it is `NOT_FOR_DOCKER` is left out; Docker fills in a recipe's variables from nowhere else.
    """
    program = shutil.which("docker")
    if program is None:
        raise TroubleError("no-cli", "There is no docker command on the host.")
    # The flags beat a DOCKER_HOST or DOCKER_CONFIG that an app's environment may hold.
    argv = [
        program,
        "--host",
        "unix://" + DOCKER_SOCKET,
        "--config",
        payload["docker_config"],
        "stack",
        *words,
    ]
    return subprocess.run(
        argv,
        cwd=folder,
        env={name: value for name, value in payload["env"].items() if not NOT_FOR_DOCKER.fullmatch(name)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=payload["timeout"],
        check=False,
    )


def compose_flags(payload: Value) -> list[str]:
    """The app's compose files as flags, in their order."""
    return [word for name in payload["compose_files"] for word in ("--compose-file", name)]


@contextlib.contextmanager
def locked(stack: str) -> Iterator[None]:
    """Nobody else deploys or removes `stack` meanwhile. The kernel frees the lock when this program ends."""
    folder = run_folder() / "ccci-stacks"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / stack).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TroubleError(
                "busy", f"Somebody else is deploying or removing the stack {stack} right now."
            ) from None
        yield


# --- What there is


def of_stack(stack: str) -> dict[str, list[str]]:
    """The API's filter for what carries the stack's label."""
    return {"label": [f"{NAMESPACE}={stack}"]}


def services_of(stack: str) -> list[Value]:
    """The stack's services, with the count of their tasks."""
    found = daemon.get("/services?status=true", **of_stack(stack))
    return [one for one in found if one["Spec"].get("Labels", {}).get(NAMESPACE) == stack]


def containers_of(stack: str) -> list[Value]:
    """The stack's containers on this host, ended ones too."""
    found = daemon.get("/containers/json?all=1", **of_stack(stack))
    return [one for one in found if one["Labels"].get(NAMESPACE) == stack]


def labelled(kind: str, stack: str) -> list[Value]:
    """Networks, volumes, secrets or configs of `stack`; the daemon's own filter is not trusted alone."""
    answer = daemon.get("/" + kind, **of_stack(stack))
    found = (answer["Volumes"] or []) if kind == "volumes" else answer
    return [one for one in found if labels_of(one).get(NAMESPACE) == stack]


def labels_of(thing: Value) -> Value:
    """Labels, wherever this kind of thing has them."""
    holder = thing.get("Spec", thing)
    return holder.get("Labels") or {}


def name_of(thing: Value) -> str:
    """Its name, likewise."""
    return str(thing.get("Spec", thing)["Name"])


def traces(stack: str, services: list[Value], containers: list[Value]) -> Value:
    """What of `stack` is on the host, by name: all of it empty once a teardown is over."""
    return {
        "service": sorted(name_of(one) for one in services),
        "container": sorted(one["Names"][0].lstrip("/") for one in containers if one["Names"]),
        "network": sorted(one["Name"] for one in labelled("networks", stack)),
    }


# --- The words


def render(payload: Value) -> Value:
    """What Docker makes of the compose files, and what of it the swarm has already."""
    with unpacked(payload["files"]) as folder:
        flags = compose_flags(payload)
        done = docker_cli(payload, folder, "config", *flags)
        answer = {"exit_code": done.returncode, "config": done.stdout, "raw": ""}
        answer["stderr"] = done.stderr.replace(folder + "/", "")
        if payload["observe"]:
            raw = docker_cli(payload, folder, "config", "--skip-interpolation", *flags)
            # It fails where a number is interpolated; then it is simply not known.
            answer["raw"] = raw.stdout if raw.returncode == 0 else ""
    if payload["observe"]:
        stack = payload["stack"]
        answer["secrets"] = [name_of(one) for one in daemon.get("/secrets")]
        answer["configs"] = [name_of(one) for one in daemon.get("/configs")]
        answer["networks"] = [one["Name"] for one in daemon.get("/networks")]
        answer["traces"] = traces(stack, services_of(stack), containers_of(stack))
    return answer


def deploy(payload: Value) -> Value:
    """Make what is missing, then `docker stack deploy`. Does not wait for the tasks."""
    stack = payload["stack"]
    with locked(stack), unpacked(payload["files"]) as folder:
        make_networks(payload["networks"])
        make_secrets(stack, payload["secrets"])
        begun, since = time.monotonic(), time.time()
        flags = [
            "--prune",
            "--with-registry-auth",
            "--resolve-image",
            "always",
            *compose_flags(payload),
            stack,
        ]
        done = docker_cli(payload, folder, "deploy", "--detach=true", *flags)
        if done.returncode != 0 and "unknown flag: --detach" in done.stderr:
            done = docker_cli(payload, folder, "deploy", *flags)  # before CLI 26 it never waited
        return {
            "exit_code": done.returncode,
            "stdout": done.stdout,
            "stderr": done.stderr.replace(folder + "/", ""),
            "seconds": time.monotonic() - begun,
            "since": since,
        }


def make_networks(names: list[str]) -> None:
    """Attachable overlay networks for all stacks to share; no teardown takes them away."""
    for name in names:
        asked = {"Name": name, "Driver": "overlay", "Attachable": True, "Labels": {"ccci-host.made": "true"}}
        status, answer = daemon.ask("POST", "/networks/create", asked)
        if status not in (201, 409):  # made by another deploy meanwhile: just as well
            raise TroubleError("refused", f"The network {name} cannot be made: {said(answer)}")


def make_secrets(stack: str, secrets: list[Value]) -> None:
    """The stack's secrets, labelled so that its teardown finds them."""
    for secret in secrets:
        data = base64.b64encode(secret["value"].encode()).decode()
        name = secret["name"]
        asked = {"Name": name, "Labels": {OURS: stack}, "Data": data}
        status, answer = daemon.ask("POST", "/secrets/create", asked)
        if status not in (200, 201, 409):  # made by another deploy meanwhile: its value stays
            raise TroubleError("refused", f"The secret {name} cannot be made: {said(answer)}")


def look(payload: Value) -> Value:
    """The stack's services, tasks and containers, as the API gives them, and the host's time.

    With `known`, the `mark` of an earlier answer, it answers as soon as something is different from then, and
    after `patience` seconds at the latest: waiting here costs the host no new program a look.
    """
    until = time.monotonic() + payload.get("patience", 0.0)
    while True:
        seen = picture(payload["stack"])
        if seen["mark"] != payload.get("known") or time.monotonic() >= until:
            return seen
        time.sleep(BETWEEN_LOOKS)  # bounded by `patience`, and the caller looks again


def picture(stack: str) -> Value:
    """What `look` sees at one moment."""
    now, services = time.time(), services_of(stack)
    ids = {one["ID"] for one in services}
    tasks = [one for one in daemon.get("/tasks", **of_stack(stack)) if one["ServiceID"] in ids]
    containers = containers_of(stack)  # last: a task that runs has its container then
    seen = {
        "now": now,
        "services": services,
        "tasks": tasks,
        "containers": [
            {
                "task": one["Labels"].get(TASK_LABEL, ""),
                "image": one["Image"],
                "image_id": one["ImageID"],
                "status": one["Status"],
            }
            for one in containers
        ],
        "traces": traces(stack, services, containers),
    }
    return {**seen, "mark": mark(seen)}


def mark(seen: Value) -> str:
    """A word that changes with a service, a task or a container's health, and with nothing else."""
    versions = [f"{one['ID']}@{one['Version']['Index']}" for one in (*seen["services"], *seen["tasks"])]
    # "Up 3 seconds (healthy)", "Exited (0) 2 minutes ago": the time passes without anything happening.
    health = [f"{one['task']}={HEALTH.findall(one['status'])}" for one in seen["containers"]]
    return " ".join(sorted([*versions, *health]))


def pull_errors(payload: Value) -> list[str]:
    """Why images could not be pulled for `tasks` since `since`, each reason once, by the daemon's journal.

    A task only says "No such image", be it a typing error, a rate limit or a full disk. Where the daemon
    writes to no journal, or to one that takes too long to be read, nothing is known.
    """
    program = shutil.which("journalctl")
    if program is None:
        return []
    since = f"--since=@{payload['since']:.0f}"
    asked = [program, "--quiet", "--no-pager", "--output=cat", since, "_COMM=dockerd"]
    try:
        done = subprocess.run(
            asked,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=JOURNAL_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return []  # the deploy failed for a reason that is known already: this would hide it
    found = [PULL_FAILED.search(line) for line in done.stdout.splitlines()]
    wanted = set(payload["tasks"])
    reasons = [one["error"].replace('\\"', '"') for one in found if one and one["task"] in wanted]
    return list(dict.fromkeys(reasons))


def remove(payload: Value) -> Value:
    """Remove what can be removed by now, and say what is still there. To be asked until nothing is.

    What the answer calls `shared` stays, and is to come with the next question: its user may go meanwhile.
    """
    stack = payload["stack"]
    with locked(stack):
        services = services_of(stack)
        owned = secrets_of(stack, services, payload["secrets"])
        shared = shared_secrets(stack, payload.get("shared", {}))
        doomed = [("service", name_of(one), f"/services/{one['ID']}") for one in services]
        # Their containers use networks and volumes for a while yet, to shut down in order.
        removed, left = swept(doomed or without_services(stack, owned, shared))
        return {
            "removed": removed,
            "left": left,
            "secrets": owned,
            "shared": shared,
            "traces": remaining(stack, owned, shared),
        }


def without_services(stack: str, owned: list[str], shared: Collection[str]) -> list[tuple[str, str, str]]:
    """What of a stack that has no service is to go by now, as `swept` takes it."""
    secrets = secrets_named(stack, owned, shared)
    doomed = [
        *(("secret", name_of(one), f"/secrets/{one['ID']}") for one in secrets),
        *(("config", name_of(one), f"/configs/{one['ID']}") for one in labelled("configs", stack)),
    ]
    if not containers_of(stack):
        doomed += [
            *(("network", one["Name"], f"/networks/{one['Id']}") for one in labelled("networks", stack)),
            *(("volume", one["Name"], volume_path(one["Name"])) for one in labelled("volumes", stack)),
        ]
    return doomed


def whole(payload: Value) -> Value:
    """What of the stack is there, by kind and name, its own secrets included. Changes nothing."""
    stack = payload["stack"]
    owned = secrets_of(stack, services_of(stack), payload["secrets"])
    return {"traces": remaining(stack, owned, ()), "secrets": owned}


def volume_path(name: str) -> str:
    """Its path in the API, whatever signs are in its name."""
    return f"/volumes/{urllib.parse.quote(name, safe='')}"


def swept(doomed: list[tuple[str, str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """What was removed of `doomed` (kind, name, API path), and what was not, with the daemon's reason."""
    removed, left = [], []
    for kind, name, path in doomed:
        status, answer = daemon.ask("DELETE", path)
        if status in (200, 204):
            removed.append((kind, name))
        elif status != 404:
            left.append((kind, name, said(answer)))
    return removed, left


def remaining(stack: str, secrets: list[str], shared: Collection[str]) -> Value:
    """What of the stack is still there, by kind, read back after the removal; not what is to stay."""
    found = traces(stack, services_of(stack), containers_of(stack))
    found["secret"] = [name_of(one) for one in secrets_named(stack, secrets, shared)]
    for kind in ("config", "volume"):
        found[kind] = [name_of(one) for one in labelled(kind + "s", stack)]
    return found


def secrets_of(stack: str, services: list[Value], known: list[str]) -> list[str]:
    """Names of the stack's own secrets, apart from the labelled ones, which can be found at any time.

    A secret that its services use, under the stack's name, is its own unless another stack uses it too: the
    name alone does not tell, since the secrets of a neighbour `shop_eu` begin with `shop_` as well. For an
    experiment's stack it does: a harness may have made a secret that no service came to use.
    """
    used = secrets_used(services)
    if OWN_STACK.fullmatch(stack):  # nobody's stack is a neighbour of these
        used |= {name_of(one) for one in daemon.get("/secrets")}
    own = {name for name in used if name.startswith(stack + "_")}
    return sorted((own | set(known)) - set(used_elsewhere(stack)))


def used_elsewhere(stack: str) -> dict[str, str]:
    """The secrets that services of no stack or another use: by name, one of these services."""
    others = [one for one in daemon.get("/services") if labels_of(one).get(NAMESPACE) != stack]
    return {secret: name_of(one) for one in others for secret in secrets_used([one])}


def shared_secrets(stack: str, known: dict[str, str]) -> dict[str, str]:
    """The secrets that were made for the stack and that another's service uses too: by name, that service.

    Those `known` from an earlier look are shared though the service has gone since.
    """
    users = {**used_elsewhere(stack), **known}
    return {name: users[name] for name in map(name_of, secrets_named(stack, [], ())) if name in users}


def secrets_used(services: list[Value]) -> set[str]:
    """Names of the secrets that `services` mount."""
    return {
        secret["SecretName"]
        for one in services
        for secret in one["Spec"]["TaskTemplate"].get("ContainerSpec", {}).get("Secrets") or []
    }


def secrets_named(stack: str, names: list[str], but: Collection[str]) -> list[Value]:
    """The secrets called `names`, and those that a label gives to the stack, but for those called `but`."""
    return [
        one
        for one in daemon.get("/secrets")
        if name_of(one) not in but
        and (name_of(one) in names or stack in (labels_of(one).get(OURS), labels_of(one).get(NAMESPACE)))
    ]


WORDS = {
    "render": render,
    "deploy": deploy,
    "look": look,
    "pull-errors": lambda payload: {"reasons": pull_errors(payload)},
    "remove": remove,
    "traces": whole,
}


def main() -> None:
    """One word from standard input, one answer to standard output."""
    payload = json.load(sys.stdin)
    try:
        answer = WORDS[payload["word"]](payload)
    except TroubleError as trouble:
        answer = {"trouble": trouble.kind, "message": str(trouble)}
    except subprocess.TimeoutExpired as error:
        answer = {"trouble": "slow", "message": f"docker stack took longer than {error.timeout:.0f} s."}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
