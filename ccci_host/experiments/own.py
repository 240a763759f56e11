"""The apps that experiments deploy: under a name of their own, beside whatever runs on the host."""

from dataclasses import replace

from ccci_host.errors import RefusedError
from ccci_host.recipes import App, Recipe, make_app, own_domain
from ccci_host.witnesses.strangers import OWN_STACK


def own_app(recipe: Recipe, token: str) -> App:
    """The app of `recipe` in a stack that `token` makes this experiment's, confined to names of its own.

    Raises `RefusedError` when the stack's name is not one by which experiments know theirs.
    """
    app = make_app(recipe, own_domain(recipe, token))
    if not OWN_STACK.fullmatch(app.stack):
        raise RefusedError(
            f"{recipe.name} would be deployed as {app.stack}, which may be somebody else's stack.",
            details=f"An experiment's stack is called ccci-RECIPE--TOKEN_test; the domain is {app.domain}.",
            resolution="Rename the recipe's folder to lower-case letters, digits and hyphens.",
        )
    return replace(app, confined=True)
