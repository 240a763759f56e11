"""A tag moved upstream between the deploys: the redeploy has to download, and nobody is guilty of it."""

from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.lab.hub import parse_reference
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

TAG, OTHER = "harbour/guestbook:1.0", "1.1"
"""A tag of the lab's default recipe, and another of its repository."""


class TagMoved(HubFault):
    """Lets a tag of the recipe mean another version."""

    name = "tag-moved-upstream"
    task = "verify-pc3"
    point = ("before", "redeploy")
    expected = Verdict.UNKNOWN
    check = "layers-from-local-store"
    because = "Moved upstream"

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """Move it."""
        self._before = self.hub.move_tag(parse_reference(TAG), OTHER)

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether it means something else by now."""
        return bool(self._before) and self.hub.digest(parse_reference(TAG)) != self._before

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Move it back."""
        if self._before:
            self.hub.move_tag(parse_reference(TAG), self._before)
            self._before = ""


FAULT = TagMoved()
