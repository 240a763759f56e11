"""What every way of deploying a recipe has in common."""

from typing import Protocol

from ccci_host.recipes.app import App
from ccci_host.records import Deployment, Removal
from ccci_host.transport.machine import Machine


class Deployer(Protocol):
    """Turns an app into a running stack on a machine, and takes it away again. Never touches an image."""

    @property
    def name(self) -> str:
        """The word that chooses it."""
        ...

    def images(self, machine: Machine, app: App) -> tuple[str, ...]:
        """The references that the app asks for, each once, as the recipe writes them."""
        ...

    def service_images(self, machine: Machine, app: App) -> tuple[str, ...]:
        """The reference that each service asks for: as many as there are services to be resolved."""
        ...

    def deploy(self, machine: Machine, app: App) -> Deployment:
        """Deploy the app and wait until it has converged; raises `DeployError` when it does not."""
        ...

    def teardown(self, machine: Machine, app: App) -> Removal:
        """Remove the app's stack and wait until nothing of it is left. Nothing to remove is no error."""
        ...
