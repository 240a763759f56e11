"""Removes one whole image from the host, for a control: all its references, nothing by force."""

from importlib import resources

from ccci_host.errors import HostError
from ccci_host.records import StoredImage
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import DOCKER_SOCKET

PROGRAM = (resources.files(__package__) / "removal_remote.py").read_text()


def remove_image(machine: Machine, image: StoredImage) -> tuple[str, ...]:
    """Remove every reference of `image`, and hand back which; raises `HostError` when one stays.

    Tags are deleted first (fact 5). On the containerd store a digest that is deleted first takes along tags
    that nobody named; on the classic store a tag takes its digest along, and a reference that is gone already
    counts as removed.
    """
    references = sorted(image.references, key=lambda name: "@" in name) or [image.id]
    said = machine.run_python(PROGRAM, {"socket": DOCKER_SOCKET, "references": references})
    if said["left"]:
        raise HostError(
            f"The image {references[0]} could not be removed from {machine.instance.where}.",
            details="\n".join(f"{name}: {reason}" for name, reason in said["left"].items()),
        )
    return tuple(said["removed"])
