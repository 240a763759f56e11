"""Controls: deliberate harm or change that the instrument must see, in the same run."""

from typing import Literal

from ccci_host.records.base import Record


class EvictionControl(Record):
    """One image removed on purpose before a last redeploy.

    The witnesses of phase `control-redeploy` must then report exactly `layers`. A control that was not run
    says why in `problem`; one that came to an end amid its removals names in `removed_ids` all that may be
    gone.
    """

    kind: Literal["eviction-control"] = "eviction-control"
    ran: bool
    canary: bool = False
    """Whether the image is the operator's canary, pulled alone, rather than one of the recipe."""
    reference: str = ""
    """As the service's spec has it."""
    image_id: str = ""
    removed: tuple[str, ...] = ()
    """The references that were deleted: all that the image had."""
    removed_ids: tuple[str, ...] = ()
    """Ids of the images that were deleted: this one, and earlier builds of it that went along."""
    layers: tuple[str, ...] = ()
    """Keys of the layers that no other image held, as `StoredLayer.key`."""
    blobs: tuple[str, ...] = ()
    """The same layers as a registry calls them."""
    problem: str | None = None


class PinControl(Record):
    """A pin that cannot resolve, deployed although an older image of that name is in the store."""

    kind: Literal["pin-control"] = "pin-control"
    ran: bool
    reference: str = ""
    cached: str = ""
    """The image of the same repository that was in the store all the while."""
    outcome: Literal["refused", "ran", "unclear"] | None = None
    """How the deploy ended: refused, or converged, or nobody knows."""
    registry_status: int | None = None
    """What the registry answers for the pin: 404 where it has no such thing. None: not known."""
    started: tuple[str, ...] | None = None
    """Tasks that came to have a container, in words; None: not known."""
    error: str = ""
    problem: str | None = None


class TagControl(Record):
    """A tag that moved upstream between two deploys: the second must run the new digest."""

    kind: Literal["tag-control"] = "tag-control"
    ran: bool
    reference: str = ""
    digest_before: str = ""
    digest_after: str = ""
    digest_ran: str | None = None
    problem: str | None = None


class ColdPullControl(Record):
    """An image that was not in the store, pulled by a swarm task: it shows which account pays."""

    kind: Literal["cold-pull-control"] = "cold-pull-control"
    ran: bool
    reference: str = ""
    removed: tuple[str, ...] = ()
    """References deleted beforehand so that the pull is cold."""
    private: bool = False
    """Whether an anonymous pull of it is refused."""
    task_image_id: str = ""
    problem: str | None = None
