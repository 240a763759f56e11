"""The deployer `command`: a harness that is not ours, by the commands that the operator names.

What it does is its own affair; whether it did it is seen from the swarm, as with `stack`. So a stack has
converged when its tasks say so, and a teardown has removed what was there before and is not there after.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ccci_host.config import Commands, CommandTable
from ccci_host.errors import (
    CcciError,
    ConfigError,
    DeployError,
    HostError,
    RefusedError,
    WaitTimeoutError,
    tail,
)
from ccci_host.progress import doing, say
from ccci_host.recipes.app import App
from ccci_host.recipes.env_file import written
from ccci_host.recipes.host import MARGIN, Patient, ask, check_stack, in_turn, packed
from ccci_host.recipes.stack import StackDeployer, render
from ccci_host.recipes.watch import LOOKING, advice, deployed_services, watch
from ccci_host.records import Deployment, RanCommand, Removal
from ccci_host.transport.executor import run_python
from ccci_host.transport.local import LocalExecutor
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until

PROGRAM = (resources.files(__package__) / "commands_remote.py").read_text()
LENDING = (resources.files(__package__) / "lending_remote.py").read_text()
STOPPING = 300.0
"""Seconds for the containers of an undeployed stack to go; a database may take two minutes to shut down."""
GOING = 15.0
"""Seconds for what is left to go, if it is going at all."""

Traces = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class CommandDeployer:
    """Deploys and undeploys by the commands of `[host.NAME.command]`."""

    name: str = "command"

    def images(self, machine: Machine, app: App) -> tuple[str, ...]:
        """The references that the app asks for, as Docker renders the recipe: no harness is asked."""
        return StackDeployer().images(machine, app)

    def service_images(self, machine: Machine, app: App) -> tuple[str, ...]:
        """The same for each service."""
        return StackDeployer().service_images(machine, app)

    def deploy(self, machine: Machine, app: App) -> Deployment:
        """Run `deploy`, then `wait`, then see for ourselves that the stack has converged.

        Raises `ConfigError` where the host has no such table, `DeployError` when a command fails or takes too
        long or the stack does not converge, `WaitTimeoutError` while somebody else is at the same stack.
        """
        table = described(machine)
        check_stack(app.stack)
        rendered = render(machine, app)
        since = ask(machine, "look", {"stack": app.stack}, timeout=LOOKING)["now"]
        began = time.monotonic()
        with doing(f"deploying {app.recipe.name} as {app.stack} by the harness"):
            ran = _run(machine, app, table, (*table.deploy, *table.wait))
        deployed = time.monotonic()
        failed = next((one for one in ran if one.exit_code != 0), None)
        if failed is not None:
            raise DeployError(
                f"The harness did not deploy {app.recipe.name}: {_told(failed)}.",
                details=tail(f"{failed.stdout}\n{failed.stderr}".encode()),
                resolution=advice(failed.stderr),
            )
        with doing(f"waiting for {app.stack} to converge"):
            seen = watch(machine, app, rendered, since)
        return Deployment(
            recipe=app.recipe.name,
            recipe_version=app.recipe.version,
            deployer=self.name,
            stack=app.stack,
            domain=app.domain,
            services=deployed_services(seen),
            seconds_to_deploy=round(deployed - began, 3),
            seconds_to_converge=round(time.monotonic() - deployed, 3),
            commands=ran,
        )

    def teardown(self, machine: Machine, app: App) -> Removal:
        """Run `undeploy`; when the containers are gone, `clean_up`; then look what there is still.

        A command that fails is no error by itself: what it left is in `left`, with what it said.
        """
        table = described(machine)
        check_stack(app.stack)
        began = time.monotonic()
        seen = ask(machine, "traces", {"stack": app.stack, "secrets": []}, timeout=LOOKING)
        before, secrets = _names(seen["traces"]), seen["secrets"]
        with doing(f"undeploying {app.stack} by the harness"):
            ran = _run(machine, app, table, table.undeploy, go_on=True)
            _wait(machine, app, secrets, ("service", "container"), STOPPING if _all_well(ran) else GOING)
            if table.clean_up:
                ran += _run(machine, app, table, table.clean_up, go_on=True)
            after = _wait(machine, app, secrets, (), GOING)
        failures = "; ".join(_told(one) for one in ran if one.exit_code != 0)
        reason = f"the harness left it ({failures})" if failures else "the harness left it"
        if failures:
            say(f"{app.stack}: {failures}")
        return Removal(
            stack=app.stack,
            removed=tuple(one for one in before if one not in after),
            left=tuple((kind, name, reason) for kind, name in after),
            seconds=round(time.monotonic() - began, 3),
            commands=ran,
        )


def described(machine: Machine) -> CommandTable:
    """What the configuration says of the harness; raises `ConfigError` where it says nothing."""
    table = machine.config.command
    if table is None:
        raise ConfigError(
            f"No harness is described for {machine.name}.",
            resolution=f"Say under [host.{machine.name}.command] in ccci.toml how it deploys and undeploys.",
        )
    return table


def _run(
    machine: Machine, app: App, table: CommandTable, commands: Commands, *, go_on: bool = False
) -> tuple[RanCommand, ...]:
    on_host = table.runs_on == "host"
    hub = machine.config.hub
    payload = {
        "stack": app.stack,
        "commands": commands,
        "all": go_on,
        "fields": {"recipe": app.recipe.name, "domain": app.domain, "stack": app.stack},
        "files": packed(app.recipe, app.compose_files),
        "env_file": written(app.env),
        "environment": dict(table.environment),
        "timeout": table.timeout_seconds,
        "lending": {"program": LENDING, "docker_config": hub.docker_config} if table.lend_login else None,
        "app": dict(app.env),
        "secrets": [] if on_host or not hub.pat.env else [os.environ.get(hub.pat.env, "").strip()],
        "secret_files": [] if on_host or hub.pat.file is None else [str(hub.pat.file)],
        "logins": [hub.docker_config],
    }
    where = machine.executor if on_host else LocalExecutor()
    timeout = table.timeout_seconds + MARGIN

    def run() -> dict[str, Any]:
        answer = run_python(where, PROGRAM, payload, timeout=timeout)
        if "trouble" in answer:
            raise _trouble(machine, app, answer["trouble"], answer["message"])
        return dict(answer)

    ran = in_turn(app.stack, run)["ran"]
    return tuple(RanCommand(where=table.runs_on, **one) for one in ran)


def _trouble(machine: Machine, app: App, kind: str, message: str) -> CcciError:
    if kind == "busy":
        return RefusedError(message, resolution="Wait until that has ended, and try again.")
    if kind == "slow":
        first, _, said = message.partition("\n")
        return DeployError(
            f"The harness takes too long for {app.stack}: {first}",
            details=said,
            resolution=f"See what it waits for, or raise timeout_seconds of [host.{machine.name}.command].",
        )
    if kind == "lock":
        return HostError(
            message, resolution="Let that folder be yours alone, or move away what is there: it is made anew."
        )
    return HostError(message, resolution=f"Look at the Docker socket of {machine.name}, and at /run there.")


def _told(ran: RanCommand) -> str:
    return f"`{' '.join(ran.argv)}` ended with exit code {ran.exit_code}"


def _all_well(ran: Sequence[RanCommand]) -> bool:
    return all(one.exit_code == 0 for one in ran)


def _names(traces: Traces) -> tuple[tuple[str, str], ...]:
    return tuple((kind, name) for kind, names in traces.items() for name in names)


def _wait(
    machine: Machine, app: App, secrets: Sequence[str], kinds: Sequence[str], timeout: float
) -> tuple[tuple[str, str], ...]:
    """Wait until nothing of `kinds` is there (of all kinds where none is named), or the time is over.

    What is there then.
    """
    last: list[Traces] = []
    host = Patient(machine)

    def gone() -> bool | None:
        seen = host.ask("traces", {"stack": app.stack, "secrets": list(secrets)}, timeout=LOOKING)
        if seen is None:
            return None
        traces: Traces = seen["traces"]
        last[:] = [traces]
        return None if any(traces[kind] for kind in kinds or traces) else True

    try:
        wait_until(gone, what=f"the stack {app.stack} to go", timeout=timeout)
    except WaitTimeoutError:
        if not last:
            raise
        # What stays is the answer.
    return _names(last[0])
