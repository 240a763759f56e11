"""Recipes and what deploys them. A harness calls these:

    recipe = find_recipe("wordpress", roots)      # a folder, and its version by git
    app = make_app(recipe)                        # domain, stack name, environment, compose files
    images = STACK.images(machine, app)           # what it asks for, as Docker renders it
    deployment = STACK.deploy(machine, app)       # converged, or DeployError with the failing task's error
    removal = STACK.teardown(machine, app)        # gone, but for what `removal.left` names
    removal = teardown(machine, "a_stack_name")   # the same for whatever stack, however it was deployed

A teardown removes services, volumes, secrets, configs and networks of that one stack, and never an image.
"""

from pathlib import Path

from ccci_host.errors import NotFoundError
from ccci_host.recipes.app import App, make_app, own_domain, stack_name
from ccci_host.recipes.deployer import Deployer
from ccci_host.recipes.host import STACK_NAME
from ccci_host.recipes.recipe import Recipe, find_recipe
from ccci_host.recipes.stack import StackDeployer
from ccci_host.recipes.teardown import teardown
from ccci_host.records import Deployment, Removal
from ccci_host.transport.machine import Machine

STACK: Deployer = StackDeployer()

__all__ = [
    "STACK",
    "App",
    "Deployer",
    "Recipe",
    "StackDeployer",
    "deploy_recipe",
    "find_recipe",
    "make_app",
    "own_domain",
    "stack_name",
    "teardown",
    "teardown_recipe",
]


def deploy_recipe(
    machine: Machine, word: str, *, domain: str | None = None, env_file: Path | None = None
) -> Deployment:
    """Deploy the recipe that `word` means, from the recipe folders of the machine's configuration."""
    return STACK.deploy(machine, make_app(find_recipe(word, machine.config.recipes), domain, env_file))


def teardown_recipe(
    machine: Machine, word: str, *, domain: str | None = None, env_file: Path | None = None
) -> Removal:
    """Remove the stack that `deploy_recipe` made with the same arguments, or the stack called `word`.

    Raises `NotFoundError` where there is neither such a recipe nor anything of such a stack.
    """
    try:
        recipe = find_recipe(word, machine.config.recipes)
    except NotFoundError:
        if domain or env_file or not STACK_NAME.fullmatch(word):
            raise
        removal = teardown(machine, word)
        if not (removal.removed or removal.left):
            raise
        return removal
    return STACK.teardown(machine, make_app(recipe, domain, env_file))
