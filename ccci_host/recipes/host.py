"""Asks `stack_remote`, the program that deploys and removes stacks on the host."""

import base64
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Sequence
from importlib import resources
from pathlib import PurePosixPath
from typing import Any, TypeVar

from ccci_host.errors import (
    CcciError,
    ConfigError,
    DeployError,
    HostError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from ccci_host.recipes.recipe import Recipe, unreadable
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until

Done = TypeVar("Done")

PROGRAM = resources.files(__package__).joinpath("stack_remote.py").read_text()
STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
MOST_BYTES = 16 << 20
"""A recipe holds compose files and templates; a folder larger than this is none."""
ONCE = "deploy"
"""The one word that is not to be said again when nobody knows what came of it."""
MARGIN = 30.0
"""Seconds that a program of ours gets beyond what it gives the commands that it runs."""
AWAY = 30.0
"""Seconds for which what is waited for may be out of reach: dockerd starts again, a connection broke."""
TURN = 120.0
"""Seconds to wait for another deploy or teardown of the same stack to end."""


def ask(machine: Machine, word: str, payload: dict[str, Any], *, timeout: float) -> dict[str, Any]:
    """One word of `stack_remote` on the host, in one round trip of at most `timeout` seconds and a margin.

    Raises `RefusedError` when somebody else is deploying or removing the stack, `HostError` when Docker, its
    CLI or the swarm is not there, `DeployError` when Docker refuses or takes too long.
    """
    sent = {"word": word, "timeout": timeout, **payload}
    answer = machine.run_python(PROGRAM, sent, timeout=timeout + MARGIN, repeatable=word != ONCE)
    if "trouble" in answer:
        raise _trouble(machine.name, answer["trouble"], answer["message"])
    return dict(answer)


class Patient:
    """Asks a host, again and again, of what takes its time there."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._heard = time.monotonic()

    def ask(self, word: str, payload: dict[str, Any], *, timeout: float) -> dict[str, Any] | None:
        """As `ask`; but None while the host or its daemon does not answer, for `AWAY` seconds at most."""
        try:
            answer = ask(self._machine, word, payload, timeout=timeout)
        except RefusedError:
            self._heard = time.monotonic()
            raise
        except (UnreachableError, HostError):
            if time.monotonic() - self._heard > AWAY:
                raise
            return None
        self._heard = time.monotonic()
        return answer


def in_turn(stack: str, do: Callable[[], Done]) -> Done:
    """What `do` returns, tried again while it is refused for another deploy or teardown of `stack`.

    Raises `WaitTimeoutError` when that does not end in `TURN` seconds.
    """
    return wait_until(
        do,
        what=f"another deploy or teardown of {stack} to end",
        timeout=TURN,
        interval=1.0,
        retry_on=(RefusedError,),
    )


def docker_config_folder(machine: Machine) -> str:
    """The folder for `docker --config` on the host, out of the file that the host's configuration names."""
    path = PurePosixPath(machine.config.hub.docker_config)
    if path.name != "config.json":
        raise ConfigError(
            f"The Docker CLI reads a file called config.json, not {path.name}.",
            resolution=f"Let docker_config of [host.{machine.name}.hub] end in /config.json.",
        )
    return str(path.parent)


def check_stack(stack: str) -> str:
    """`stack`, when it can be the name of one; raises `UsageError` otherwise."""
    if not STACK_NAME.fullmatch(stack):
        raise UsageError(f"{stack!r} cannot be the name of a stack.")
    return stack


def packed(recipe: Recipe, compose_files: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The recipe's files, without its git folder.

    Raises `DeployError` when they are too large, `ConfigError` when one cannot be read, or when one of
    `compose_files` is not among them.
    """
    files, size = [], 0
    for path in sorted(recipe.folder.rglob("*")):
        name = path.relative_to(recipe.folder)
        # A link is followed where it stays inside, as a checkout elsewhere would find it.
        if name.parts[0] == ".git" or not path.is_file() or not path.resolve().is_relative_to(recipe.folder):
            continue
        try:
            with path.open("rb") as file:
                content, mode = file.read(MOST_BYTES - size + 1), os.fstat(file.fileno()).st_mode
        except OSError as error:
            raise unreadable(recipe, name.as_posix(), error) from None
        size += len(content)
        if size > MOST_BYTES:
            raise DeployError(
                f"The folder of {recipe.name} is larger than {MOST_BYTES >> 20} MiB.",
                details=str(recipe.folder),
                resolution="Keep data out of the recipe's folder.",
            )
        kept = 0o700 if mode & stat.S_IXUSR else 0o600
        files.append({"path": name.as_posix(), "mode": kept, "content": base64.b64encode(content).decode()})
    _check_sent(recipe, compose_files, {str(file["path"]) for file in files})
    return files


def _check_sent(recipe: Recipe, compose_files: Sequence[str], sent: Collection[str]) -> None:
    outside = [name for name in compose_files if name not in sent]
    if outside:
        raise ConfigError(
            f"The recipe {recipe.name} does not hold its compose files itself: {', '.join(outside)}.",
            details=f"A link leads there, out of {recipe.folder} or by way of a linked folder; "
            "the host gets neither.",
            resolution="Put the files where the links are.",
        )


def _trouble(host: str, kind: str, message: str) -> CcciError:
    match kind:
        case "busy":
            return RefusedError(message, resolution="Wait until that has ended, and try again.")
        case "slow":
            return DeployError(message, resolution=f"Look at the daemon on {host}: `journalctl -u docker`.")
        case "refused":
            return DeployError(message, resolution="Correct the recipe or the app's environment.")
        case "no-cli":
            return HostError(message, resolution="Install it (Debian: `apt-get install docker-cli`).")
        case "swarm":
            leaderless = "does not have a leader" in message
            return HostError(
                f"{host} cannot do this as a swarm manager.",
                details=message,
                resolution="Try again when enough of the swarm's managers are up to choose one."
                if leaderless
                else "Make it one with `docker swarm init`, or name a manager.",
            )
        case _:
            return HostError(
                f"Docker on {host} does not do what was asked.",
                details=message,
                resolution="Look at `systemctl status docker` there.",
            )
