"""Recipes and what deploys them. A harness calls these:

    recipe = find_recipe("wordpress", roots)      # a folder, and its version by git
    app = make_app(recipe)                        # domain, stack name, environment, compose files
    images = STACK.images(machine, app)           # what it asks for, as Docker renders it
    deployment = STACK.deploy(machine, app)       # converged, or DeployError with the failing task's error
    removal = STACK.teardown(machine, app)        # gone, but for what `removal.left` names
    removal = teardown(machine, "a_stack_name")   # the same for whatever stack, whoever deployed it

A teardown removes services, volumes, secrets, configs and networks of that one stack, and never an image.
"""

from pathlib import Path

from ccci_host.errors import NotFoundError, UsageError
from ccci_host.recipes.app import OWN_NAME, App, make_app, own_domain, stack_name
from ccci_host.recipes.command import CommandDeployer, described
from ccci_host.recipes.deployer import Deployer
from ccci_host.recipes.host import STACK_NAME
from ccci_host.recipes.recipe import Recipe, find_recipe
from ccci_host.recipes.stack import StackDeployer
from ccci_host.recipes.teardown import teardown
from ccci_host.recipes.watch import tasks_with_containers
from ccci_host.records import Deployment, Removal
from ccci_host.transport.machine import Machine

STACK: Deployer = StackDeployer()
DEPLOYERS: dict[str, Deployer] = {one.name: one for one in (STACK, CommandDeployer())}
"""By the word that chooses each."""

__all__ = [
    "DEPLOYERS",
    "STACK",
    "App",
    "CommandDeployer",
    "Deployer",
    "Recipe",
    "StackDeployer",
    "deploy_recipe",
    "deployer_of",
    "find_recipe",
    "make_app",
    "own_domain",
    "stack_name",
    "tasks_with_containers",
    "teardown",
    "teardown_recipe",
    "teardown_stack",
]


def deployer_of(machine: Machine, name: str | None = None) -> Deployer:
    """The deployer called `name`, or the one that the machine's configuration chooses.

    Raises `UsageError` for a word that is none, `ConfigError` for `command` where no harness is described.
    """
    chosen = DEPLOYERS.get(name or machine.config.deployer)
    if chosen is None:
        raise UsageError(f"There is no deployer {name!r}.", details=f"Known: {', '.join(sorted(DEPLOYERS))}.")
    if isinstance(chosen, CommandDeployer):
        described(machine)
    return chosen


def deploy_recipe(
    machine: Machine,
    word: str,
    *,
    domain: str | None = None,
    env_file: Path | None = None,
    deployer: str | None = None,
) -> Deployment:
    """Deploy the recipe that `word` means, from the recipe folders of the machine's configuration."""
    chosen = deployer_of(machine, deployer)
    return chosen.deploy(machine, make_app(find_recipe(word, machine.config.recipes), domain, env_file))


def teardown_recipe(
    machine: Machine,
    word: str,
    *,
    domain: str | None = None,
    env_file: Path | None = None,
    deployer: str | None = None,
) -> Removal:
    """Remove the stack that `deploy_recipe` made with the same arguments.

    A word that is no recipe means a stack only where it is one of the suite's own names: any other may be a
    neighbour's, whose volumes would go. Raises `NotFoundError` where it means neither.
    """
    chosen = deployer_of(machine, deployer)
    try:
        recipe = find_recipe(word, machine.config.recipes)
    except NotFoundError as unknown:
        if domain or env_file or not STACK_NAME.fullmatch(word):
            raise
        if OWN_NAME.fullmatch(word):
            return teardown_stack(machine, word)
        raise NotFoundError(
            unknown.brief,
            details=unknown.details,
            resolution=f"Name the folder that was deployed, as `./{word}`. "
            "For a stack, whoever deployed it, give its whole name: `invoke teardown NAME --stack`.",
        ) from None
    return chosen.teardown(machine, make_app(recipe, domain, env_file))


def teardown_stack(machine: Machine, stack: str) -> Removal:
    """Remove the stack called `stack`, whoever deployed it; raises `NotFoundError` where nothing is of it."""
    removal = teardown(machine, stack)
    if not (removal.removed or removal.left):
        raise NotFoundError(
            f"{machine.name} has nothing of a stack {stack!r}.",
            resolution="`docker stack ls` there names those that it has.",
        )
    return removal
