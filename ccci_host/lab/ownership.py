"""Whose a thing is in an Incus that others use too: what a lab makes there carries that lab's folder."""

from ccci_host.errors import RefusedError
from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings

MARK = "user.ccci-lab.folder"
"""A key of the project, the storage pool and the bridge that a lab makes."""


def mark(settings: Settings) -> dict[str, str]:
    """What goes into the configuration of a thing that the lab makes."""
    return {MARK: str(settings.folder)}


def check_unclaimed(incus: Incus, settings: Settings) -> None:
    """Raise `RefusedError` where somebody else has what the lab would make, and a purge would take away.

    `incus` must look at the default project.
    """
    for kind, name in (
        ("projects", settings.project),
        ("storage-pools", settings.project),
        ("networks", settings.bridge),
    ):
        found = incus.find(f"{kind}/{name}")
        if found is not None and found["config"].get(MARK) != str(settings.folder):
            raise RefusedError(
                f"This machine's Incus has {name} among its {kind}, and the lab in {settings.folder} did not "
                "make it.",
                resolution="Name another folder in CCCI_LAB_DIR: the lab's names follow from it. Or remove "
                "it with the `incus` command, if nobody needs it.",
            )


def others(incus: Incus, settings: Settings) -> bool:
    """Whether another lab lives in this Incus."""
    folders = {project["config"].get(MARK) for project in incus.list("projects")}
    return bool(folders - {None, str(settings.folder)})
