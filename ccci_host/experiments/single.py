"""A stack of one service from one image: how a control has the swarm itself pull something.

It is a recipe like any other, written for the occasion, so that the real pull path is walked.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ccci_host.errors import CcciError
from ccci_host.experiments.own import own_app
from ccci_host.recipes import App, Recipe

CONVERGE_SECONDS = 60
"""What the service may take to converge, or to show that it cannot."""
SWARM_SECONDS = "1s"
"""Between two attempts at a task, and from an update to its completion; by default swarm takes five each."""


@contextmanager
def single(name: str, reference: str, token: str) -> Iterator[App]:
    """An app called `name` whose only service runs `reference`; its folder lives as long as the context.

    Raises `CcciError` where this machine has no room for it.
    """
    deploy = {
        "labels": [f"coop-cloud.${{STACK_NAME}}.timeout={CONVERGE_SECONDS}"],
        "restart_policy": {"delay": SWARM_SECONDS},
        "update_config": {"monitor": SWARM_SECONDS},
    }
    compose = {"version": "3.8", "services": {"app": {"image": reference, "deploy": deploy}}}
    with ExitStack() as kept:
        try:
            folder = kept.enter_context(TemporaryDirectory(prefix="ccci-"))
            recipe = Recipe(name, Path(folder).resolve(), "control")
            (recipe.folder / "compose.yml").write_text(json.dumps(compose))  # JSON is YAML
            (recipe.folder / ".env.sample").touch()
        except OSError as error:
            raise CcciError(
                "The recipe of a control cannot be written.",
                details=str(error),
                resolution="Make room where this machine keeps temporary files.",
            ) from None
        yield own_app(recipe, token)
