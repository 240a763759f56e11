"""The deployer `stack`: `docker stack deploy` on the CI host, as a Co-op Cloud recipe is meant to be run."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccci_host.errors import (
    DeployError,
    HostError,
    NotFoundError,
    RefusedError,
    WaitTimeoutError,
    tail,
)
from ccci_host.progress import doing, say
from ccci_host.recipes.app import App
from ccci_host.recipes.confined import check_confined, check_secrets
from ccci_host.recipes.host import TURN, ask, check_stack, docker_config_folder, in_turn, packed
from ccci_host.recipes.rendered import Rendered, read_rendered
from ccci_host.recipes.secret_values import generate, is_for_a_person
from ccci_host.recipes.teardown import teardown
from ccci_host.recipes.watch import advice, deployed_services, watch
from ccci_host.records import Deployment, Removal
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until

RENDERING = 60.0
"""Seconds that Docker may take to render."""
DEPLOYING = 300.0
"""Seconds that `docker stack deploy` may take: it asks a registry for the digest of every image."""
NETWORK_GOING = 15.0
"""Seconds in which a network that a teardown left behind goes, if it is going at all."""
WITHOUT_DIGEST = re.compile(r"^image (\S+) could not be accessed", re.MULTILINE)
"""`docker stack deploy` then goes on with the tag alone, and every task start asks the registry (fact 16)."""
NOT_DEPLOYED = "Correct what Docker names, and deploy again; `teardown` removes what was made until then."
PROXY = "proxy"
"""The network that Co-op Cloud's reverse proxy shares with every app."""


@dataclass(frozen=True, slots=True)
class StackDeployer:
    """Deploys with `docker stack deploy --with-registry-auth`; Docker reads the compose files itself."""

    name: str = "stack"

    def images(self, machine: Machine, app: App) -> tuple[str, ...]:
        """The references of the rendered compose files; of the deployed services if the CLI cannot render."""
        return tuple(dict.fromkeys(self.service_images(machine, app)))

    def service_images(self, machine: Machine, app: App) -> tuple[str, ...]:
        """The same for each service."""
        answer = _render(machine, app, observe=False)
        if _cannot_render(answer):
            deployed = ask(machine, "look", {"stack": app.stack}, timeout=RENDERING)["services"]
            if not deployed:
                raise _too_old(machine, answer)
            found = [one["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] for one in deployed]
            return tuple(image.partition("@")[0] for image in found)
        return _rendered(machine, app, answer).images

    def deploy(self, machine: Machine, app: App) -> Deployment:
        """Make what is missing, deploy, and wait for convergence within the recipe's own time limit.

        Raises `DeployError` with the failing task's error, `NotFoundError` for an external network or config
        that is not there, `RefusedError` for a confined app with foreign names or a stack that is another
        app's, `WaitTimeoutError` while somebody else deploys or removes the same stack.
        """
        check_stack(app.stack)
        for note in app.notes:
            say(f"{app.recipe.name}: {note}")
        with doing(f"deploying {app.recipe.name} as {app.stack}"):
            answer = _render(machine, app, observe=True)
            rendered = _rendered(machine, app, answer)
            _check_externals(machine, app, rendered, answer)
            _check_pruned(machine, app, rendered, answer["traces"])
            _wait_for_earlier_teardown(machine, app, answer["traces"])
            done = _deploy(machine, app, rendered, answer)
        for image in WITHOUT_DIGEST.findall(done["stderr"]):
            say(f"{app.recipe.name}: its registry gave no digest of {image}; the tag is deployed bare")
        with doing(f"waiting for {app.stack} to converge"):
            began = time.monotonic()
            seen = watch(machine, app, rendered, done["since"])
        return Deployment(
            recipe=app.recipe.name,
            recipe_version=app.recipe.version,
            deployer=self.name,
            stack=app.stack,
            domain=app.domain,
            services=deployed_services(seen),
            seconds_to_deploy=round(done["seconds"], 3),
            seconds_to_converge=round(time.monotonic() - began, 3),
        )

    def teardown(self, machine: Machine, app: App) -> Removal:
        """Remove the app's stack; see `teardown.teardown`."""
        return teardown(machine, app.stack)


def render(machine: Machine, app: App) -> Rendered:
    """What Docker's parser makes of the app.

    Raises `DeployError`, `HostError` for an old CLI, `RefusedError` for a confined app with foreign names.
    """
    return _rendered(machine, app, _render(machine, app, observe=app.confined))


def _payload(machine: Machine, app: App) -> dict[str, Any]:
    return {
        "stack": app.stack,
        "files": packed(app.recipe, app.compose_files),
        "env": dict(app.env),
        "compose_files": list(app.compose_files),
        "docker_config": docker_config_folder(machine),
    }


def _render(machine: Machine, app: App, *, observe: bool) -> dict[str, Any]:
    return ask(machine, "render", {**_payload(machine, app), "observe": observe}, timeout=RENDERING)


def _cannot_render(answer: Mapping[str, Any]) -> bool:
    """Whether this CLI has no `docker stack config`: then it shows the help of `docker stack`."""
    said = answer["stderr"] + answer["config"]
    return bool(
        answer["exit_code"] != 0 and ("unknown flag: --compose-file" in said or "is not a docker" in said)
    )


def _too_old(machine: Machine, answer: Mapping[str, Any]) -> HostError:
    return HostError(
        f"The Docker CLI on {machine.name} cannot render a recipe: it has no `docker stack config`.",
        details=tail(answer["stderr"].encode()),
        resolution="Install a newer one there; Debian 13's 26.1.5 has it.",
    )


def _rendered(machine: Machine, app: App, answer: Mapping[str, Any]) -> Rendered:
    if _cannot_render(answer):
        raise _too_old(machine, answer)
    if answer["exit_code"] != 0:
        raise DeployError(
            f"Docker cannot read the compose files of {app.recipe.name}.",
            details=tail(answer["stderr"].encode()),
            resolution="Where its .env.sample leaves too much open, give an environment with --env."
            if app.sampled
            else "Correct the compose files or the app's environment.",
        )
    rendered = read_rendered(answer["config"], answer["raw"], stack=app.stack)
    if app.confined:
        check_confined(app, rendered)
        if "secrets" in answer:
            check_secrets(app, rendered, answer["secrets"], host=machine.name)
    return rendered


def _check_externals(machine: Machine, app: App, rendered: Rendered, answer: Mapping[str, Any]) -> None:
    missing = [
        *(
            f"network {name}"
            for name in rendered.external_networks
            if name not in (PROXY, *answer["networks"])
        ),
        *(f"config {name}" for name in rendered.external_configs if name not in answer["configs"]),
    ]
    if missing:
        raise NotFoundError(
            f"{app.recipe.name} uses what {machine.name} does not have: {', '.join(missing)}.",
            details="The recipe declares it as external: somebody else is to make it.",
            resolution="Make it there, or deploy the recipe that does.",
        )
    by_hand = [
        name
        for name, variable in rendered.external_secrets.items()
        if name not in answer["secrets"] and is_for_a_person(app.modifiers.get(variable, {}))
    ]
    if by_hand and not app.sampled:
        raise NotFoundError(
            f"{app.recipe.name} needs a secret that only you can know: {', '.join(by_hand)}.",
            details="Its comment says generate=false.",
            resolution=f"Make it on {machine.name}: `docker secret create NAME -`.",
        )


def _check_pruned(machine: Machine, app: App, rendered: Rendered, traces: Mapping[str, list[str]]) -> None:
    """Say which services of the stack `--prune` takes; raise `RefusedError` where these are all that it has.

    Then they are another app's: two domains, or the folders `my_app` and `my-app`, may lead to one name.
    """
    own = {f"{app.stack}_{service}" for service in rendered.services}
    foreign = [name for name in traces["service"] if name not in own]
    if not foreign:
        return
    if len(foreign) == len(traces["service"]):
        raise RefusedError(
            f"The stack {app.stack} on {machine.name} is another app's: it runs {', '.join(foreign)}.",
            details=f"{app.recipe.name} has none of these services, and its deploy would remove them.",
            resolution="Choose another name with --domain, "
            "or remove that stack first: `invoke teardown NAME --stack`.",
        )
    say(f"{app.recipe.name}: no longer a part of it, and removed from {app.stack}: {', '.join(foreign)}")


def _wait_for_earlier_teardown(machine: Machine, app: App, traces: Mapping[str, list[str]]) -> None:
    """A deploy amid a teardown fails (fact 35): with no service left, containers and networks go first."""
    if traces["service"] or not any(traces.values()):
        return

    def gone(kinds: tuple[str, ...]) -> bool | None:
        found = ask(machine, "look", {"stack": app.stack}, timeout=RENDERING)["traces"]
        return True if found["service"] or not any(found[kind] for kind in kinds) else None

    wait_until(
        lambda: gone(("container",)),
        what=f"the containers of an earlier {app.stack} to go",
        timeout=TURN,
        resolution=f"Look at them on {machine.name}, or run `invoke teardown`.",
    )
    try:
        wait_until(lambda: gone(("network",)), what="its networks to go", timeout=NETWORK_GOING)
    except WaitTimeoutError:
        pass  # It is not going: nobody removed it, and the deploy will use it.


def _deploy(machine: Machine, app: App, rendered: Rendered, answer: Mapping[str, Any]) -> dict[str, Any]:
    fresh = {
        name: generate(app.modifiers.get(variable, {}))
        for name, variable in rendered.external_secrets.items()
        if name not in answer["secrets"]
    }
    payload = {
        **_payload(machine, app),
        "networks": [PROXY]
        if PROXY in rendered.external_networks and PROXY not in answer["networks"]
        else [],
        "secrets": [{"name": name, "value": value.reveal()} for name, value in fresh.items()],
    }
    done = in_turn(app.stack, lambda: ask(machine, "deploy", payload, timeout=DEPLOYING))
    if done["exit_code"] != 0:
        raise DeployError(
            f"`docker stack deploy` of {app.recipe.name} failed.",
            details=tail(done["stderr"].encode()),
            resolution=advice(done["stderr"], NOT_DEPLOYED),
        )
    return done
