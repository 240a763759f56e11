"""A stack that is to keep to itself, as an experiment's must on a host in use.

`docker stack deploy` labels a config or secret that is there already as the stack's own, and the teardown
then removes it; a volume that is there already is mounted. So all of these are to bear the stack's name.
An external secret that is there is only used; one that is missing would be made, so it is to bear it too.
"""

from collections.abc import Collection

import yaml

from ccci_host.errors import RefusedError
from ccci_host.recipes.app import App
from ccci_host.recipes.rendered import Foreign, Rendered


def check_confined(app: App, rendered: Rendered) -> None:
    """Raise `RefusedError`, which names each thing and its file, when something is under another name."""
    if not rendered.foreign:
        return
    named = ", ".join(f"{one.section.removesuffix('s')} {one.name}" for one in rendered.foreign)
    raise RefusedError(
        f"{app.recipe.name} uses names that may be somebody else's: {named}.",
        details="\n".join(_where(app, one) for one in rendered.foreign),
        resolution="Let each `name:` begin with ${STACK_NAME}_ or leave it out; let no volume be external.",
    )


def check_secrets(app: App, rendered: Rendered, there: Collection[str], *, host: str) -> None:
    """Raise `RefusedError` for an external secret that is not `there`, and not the stack's own to make."""
    missing = [
        name
        for name in rendered.external_secrets
        if name not in there and not name.startswith(f"{app.stack}_")
    ]
    if missing:
        raise RefusedError(
            f"{app.recipe.name} uses secrets that {host} does not have: {', '.join(missing)}.",
            details="The recipe declares them as external, under names that may be somebody else's. "
            "Made here, they would hold a random value, be in that person's way, and go with the teardown.",
            resolution=f"Make them on {host} first (`docker secret create NAME -`), or let each `name:` "
            "begin with ${STACK_NAME}_.",
        )


def _where(app: App, one: Foreign) -> str:
    files = [name for name in app.compose_files if _defines(app, name, one)] or app.compose_files
    return f"{one.name} is `{one.key}` under `{one.section}` in {', '.join(files)}."


def _defines(app: App, file: str, one: Foreign) -> bool:
    try:
        tree = yaml.load(app.recipe.file(file) or "", Loader=yaml.BaseLoader)  # noqa: S506 - makes text only
    except yaml.YAMLError:
        return False  # Docker read it otherwise; then all files are named
    section = tree.get(one.section) if isinstance(tree, dict) else None
    return isinstance(section, dict) and one.key in section
