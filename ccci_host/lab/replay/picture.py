"""The replay as a picture: SVG that follows the reader's light or dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, StrictUndefined

from ccci_host.lab.replay.campaign import Campaign
from ccci_host.lab.replay.policies import HIGH, POLICIES

LEFT, TOP, STEP = 64, 96, 36
"""Where the first panel's plot begins, and how far apart two nights are."""
DISK_HEIGHT, STRIP_HEIGHT = 200, 34
GAP = 120
"""Between two stores."""
LEGEND = 236
"""What a policy takes in the line above."""
LARGEST = 24
"""Height of the bar of the night in which most was downloaded again."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A night of a policy: what was downloaded again, and how many runs failed."""

    x: float
    height: float
    failed: int


@dataclass(frozen=True, slots=True)
class Strip:
    """The nights of a policy below the curves."""

    key: str
    name: str
    y: float
    bars: tuple[Bar, ...]
    again: str
    failed: int


@dataclass(frozen=True, slots=True)
class Panel:
    """A store."""

    store: str
    x: float
    width: float
    curves: tuple[tuple[str, str], ...]
    """Policy and points."""
    strips: tuple[Strip, ...]
    nights: tuple[tuple[int, float], ...]
    """Number and place."""


def picture(campaigns: Sequence[Campaign]) -> str:
    """One SVG document: a panel a store, with the disk above and what the nights cost below."""
    stores = list(dict.fromkeys(campaign.store for campaign in campaigns))
    nights = max(len(campaign.nights) for campaign in campaigns)
    width = nights * STEP
    panels = tuple(
        _panel([campaign for campaign in campaigns if campaign.store == store], LEFT + place * (width + GAP))
        for place, store in enumerate(stores)
    )
    text = (resources.files("ccci_host.lab.replay") / "templates" / "replay.svg.j2").read_text(
        encoding="utf-8"
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    strips_top = TOP + DISK_HEIGHT + 64
    return environment.from_string(text).render(
        panels=panels,
        policies=[policy for policy in POLICIES if any(one.policy == policy.key for one in campaigns)],
        width=LEFT + max(len(stores) * (width + GAP) - GAP // 4, len(POLICIES) * LEGEND),
        legend=LEGEND,
        height=strips_top + len(panels[0].strips) * STRIP_HEIGHT + 36,
        top=TOP,
        bottom=TOP + DISK_HEIGHT,
        strips_top=strips_top,
        step=STEP,
        marks=[(percent, _level(percent)) for percent in (0, 20, 40, 60, 80, 100)],
        high=_level(HIGH),
    )


def _panel(campaigns: Sequence[Campaign], x: float) -> Panel:
    most = max((night.again for campaign in campaigns for night in campaign.nights), default=0) or 1
    count = max(len(campaign.nights) for campaign in campaigns)
    return Panel(
        store=campaigns[0].store,
        x=x,
        width=count * STEP,
        curves=tuple((campaign.policy, " ".join(_points(campaign, x))) for campaign in campaigns),
        strips=tuple(_strip(campaign, x, place, most) for place, campaign in enumerate(campaigns)),
        nights=tuple((number, _at(x, number)) for number in range(1, count + 1)),
    )


def _strip(campaign: Campaign, x: float, place: int, most: int) -> Strip:
    bars = tuple(
        Bar(_at(x, number), round(LARGEST * night.again / most, 1), len(night.failed))
        for number, night in enumerate(campaign.nights, 1)
    )
    return Strip(
        key=campaign.policy,
        name=next(policy.short for policy in POLICIES if policy.key == campaign.policy),
        y=TOP + DISK_HEIGHT + 64 + (place + 1) * STRIP_HEIGHT,
        bars=bars,
        again=f"{sum(night.again for night in campaign.nights) / 1e6:.0f} MB",
        failed=campaign.failed,
    )


def _points(campaign: Campaign, x: float) -> Iterator[str]:
    for number, night in enumerate(campaign.nights, 1):
        yield f"{_at(x, number) - STEP / 4:.1f},{_level(night.peak):.1f}"
        yield f"{_at(x, number) + STEP / 4:.1f},{_level(night.morning):.1f}"


def _at(x: float, number: int) -> float:
    return x + (number - 0.5) * STEP


def _level(percent: float) -> float:
    return round(TOP + DISK_HEIGHT * (1 - percent / 100), 1)
