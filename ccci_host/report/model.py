"""What a report shows: plain values, ready for the templates."""

from dataclasses import dataclass, field

from ccci_host.checks import Finding, Judgement
from ccci_host.report.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the first screen."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of one image."""

    key: str
    size: str
    changed: str
    before: bool | None
    """Whether it was in the store before the redeploy; None: nobody knows."""
    downloaded: bool | None
    """Whether the redeploy wrote it."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image of the recipe."""

    name: str
    digest: str
    service: str
    moved: str
    weight: str
    layers: tuple[LayerRow, ...]
    present_before: str
    downloaded_first: str
    downloaded: str
    """Layers that the redeploy downloaded, by the store."""
    served: str
    """Bytes of its layers that the registry served during the redeploy."""
    state: str
    """`kept`, `lost`, `new` or `unknown`: how the row is drawn."""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """What was asked for one repository in both deploys."""

    repository: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StretchRow:
    """What moved during one phase."""

    phase: str
    took: str
    bytes: str
    source: str
    manifests: str
    layers: str
    served: str
    events: str
    under_test: bool


@dataclass(frozen=True, slots=True)
class BootRow:
    """One witness of the reboot."""

    witness: str
    before: str
    after: str
    changed: bool | None


@dataclass(frozen=True, slots=True)
class CycleView:
    """One cycle: deploy, teardown, perhaps a reboot, redeploy."""

    number: int
    redeploys: bool
    """Whether a redeploy was begun; without one there is nothing to compare with it."""
    timeline: Timeline
    stretches: tuple[StretchRow, ...]
    images: tuple[ImageRow, ...]
    requests: tuple[RequestRow, ...]
    request_problem: str
    boots: tuple[BootRow, ...]
    reboot: str


@dataclass(frozen=True, slots=True)
class Control:
    """One control, as it went."""

    name: str
    ran: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of a list of facts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a report shows."""

    title: str
    judgement: Judgement
    groups: tuple[tuple[str, tuple[Finding, ...]], ...]
    figures: tuple[Figure, ...]
    cycles: tuple[CycleView, ...]
    aside: CycleView | None
    """The phases outside all cycles: controls, cold pulls."""
    controls: tuple[Control, ...]
    protection: tuple[Pair, ...]
    not_shown: tuple[str, ...]
    provenance: tuple[Pair, ...]
    notes: tuple[str, ...] = field(default=())
