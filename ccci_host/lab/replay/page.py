"""What came of the replay, as a part of a Markdown page."""

from collections.abc import Sequence
from datetime import date
from statistics import median

from ccci_host.lab.replay.campaign import NIGHTS_IDLE, Campaign
from ccci_host.lab.replay.churn import IMAGE_BYTES, QUOTA, SCALE
from ccci_host.lab.replay.policies import DAYS_IDLE, HIGH, POLICIES

HEAD = (
    "| store | policy | evicted, then used again | downloaded again | manifest GETs | 429s | peak disk "
    "| runs failed |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|"
)
STORY = (
    "Each night some of five recipes are deployed side by side and torn down; there are new versions under "
    "new tags, and a tag that moves. Every policy may act while the recipes stand, and again after the "
    "teardown. Everything is an eighth of a CI's:"
)
COUNTED = (
    "Bytes and requests are counted by the registry's access log, images by the daemon, the disk by its file "
    f"system, four times a second; pressure begins at {HIGH} %. A failed run is a recipe that did not come "
    "up."
)
COMMANDS = {policy.key: policy.command for policy in POLICIES}


def page(campaigns: Sequence[Campaign], day: date, picture: str) -> str:
    """The table with what one has to know to read it; `picture` is the name of the file beside the page."""
    nights = max(len(campaign.nights) for campaign in campaigns)
    seconds = median(night.seconds for campaign in campaigns for night in campaign.nights)
    engines = ", ".join(sorted({campaign.engine for campaign in campaigns}))
    about = (
        f"Played on {day.isoformat()} by `invoke lab.replay-incident`: {nights} nights, Docker {engines}, "
        f"real hosts of the lab with small disks. {STORY} one image stands for {SCALE}, has "
        f"{IMAGE_BYTES // 2**20} MiB to itself, and a night has {QUOTA} manifests instead of Docker Hub's "
        f"{SCALE * QUOTA} in six hours. A night lasts as long as its runs take (median {seconds:.0f} s), and "
        f"ages go by nights: {DAYS_IDLE} days are this night and the {NIGHTS_IDLE} before it, 24 and 72 "
        "hours are in proportion."
    )
    rows = [_row(campaign) for campaign in campaigns]
    alt = "Disk, downloads repeated and runs failed, night by night, under four policies on both stores"
    return "\n".join([about, "", HEAD, *rows, "", COUNTED, "", f"![{alt}]({picture})"])


def _row(campaign: Campaign) -> str:
    nights = campaign.nights
    cells = (
        campaign.store,
        COMMANDS[campaign.policy],
        str(len(campaign.missed)),
        f"{sum(night.again for night in nights) / 1e6:.0f} MB",
        str(sum(night.manifests for night in nights)),
        str(sum(night.refused for night in nights)),
        f"{max(night.peak for night in nights):.0f} %",
        f"{campaign.failed} of {sum(night.runs for night in nights)}",
    )
    return f"| {' | '.join(cells)} |"
