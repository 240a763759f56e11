"""Stand-ins for public images, for recipes to be deployed as they stand in their repositories."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ccci_host.lab.hub import parse_reference
from ccci_host.lab.images import publish, publish_for_recipe
from ccci_host.lab.lab import Lab
from ccci_host.recipes import STACK, Recipe, make_app
from ccci_host.transport import Machine


def publish_images(lab: Lab, references: Sequence[str], *, programs: tuple[str, ...] = ()) -> dict[str, str]:
    """Publish a stand-in under each of `references`: which digest each one got.

    A stand-in runs until it is told to stop. `programs` are those that a recipe starts in it besides the
    usual ones. A registry that the lab does not play yet is added. Raises `UsageError` for a digest.
    """
    _play(lab, references)
    return {reference: publish(lab.hub, reference, programs=programs) for reference in references}


def publish_recipe(
    lab: Lab, machine: Machine, recipe: Recipe, env_file: Path | None = None
) -> tuple[str, ...]:
    """Publish what `recipe`, as `machine`'s Docker renders it, asks for; the references that it asks for.

    With `env_file` in an operator's environment, which may add compose files. Raises what rendering
    raises, and `UsageError` for an image that is pinned by its digest.
    """
    images = STACK.images(machine, make_app(recipe, env_file=env_file))
    _play(lab, images)
    publish_for_recipe(lab.hub, recipe.folder, images)
    return images


def _play(lab: Lab, references: Iterable[str]) -> None:
    if lab.hub.add_registries({parse_reference(reference).registry for reference in references}):
        lab.up(())
