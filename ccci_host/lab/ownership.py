"""Whose a thing is in an Incus that others use too: what a lab makes there carries that lab's folder."""

from ccci_host.errors import RefusedError
from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings

MARK = "user.ccci-lab.folder"
"""A key of the project, the storage pool and the bridge that a lab makes."""


def mark(settings: Settings) -> dict[str, str]:
    """What goes into the configuration of a thing that the lab makes."""
    return {MARK: str(settings.folder)}


def claim(incus: Incus, settings: Settings) -> None:
    """Raise `RefusedError` where somebody else has what the lab would make, and a purge would take away.

    What a lab made before things were marked is known by the folder of its storage pool, and is marked now.
    `incus` must look at the default project.
    """
    places = (
        f"projects/{settings.project}",
        f"storage-pools/{settings.project}",
        f"networks/{settings.bridge}",
    )
    found = {place: thing for place in places if (thing := incus.find(place)) is not None}
    pool = found.get(places[1], {"config": {}})
    of_before = pool["config"].get("source") == str(settings.pool)
    for place, thing in found.items():
        owner = thing["config"].get(MARK)
        if owner == str(settings.folder):
            continue
        if owner is not None or not of_before:
            kind, _, name = place.partition("/")
            raise RefusedError(
                f"This machine's Incus has {name} among its {kind}, and the lab in {settings.folder} did not "
                "make it.",
                resolution="Name another folder in CCCI_LAB_DIR: the lab's names follow from it. Or remove "
                "it with the `incus` command, if nobody needs it.",
            )
        incus.patch(place, {"config": mark(settings)})


def others(incus: Incus, settings: Settings) -> bool:
    """Whether another lab lives in this Incus."""
    folders = {project["config"].get(MARK) for project in incus.list("projects")}
    return bool(folders - {None, str(settings.folder)})
