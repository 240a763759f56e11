"""The whole replay: every policy on every store, the stores side by side; and where it is written down."""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

from ccci_host.alone import alone
from ccci_host.errors import HostError
from ccci_host.generated import refresh, replace_file
from ccci_host.lab.hub import ACCOUNT, STRANGER
from ccci_host.lab.images import publish_specs
from ccci_host.lab.lab import Lab
from ccci_host.lab.replay.campaign import Campaign, play
from ccci_host.lab.replay.churn import PLAN, Night, churn, specs
from ccci_host.lab.replay.host import Host
from ccci_host.lab.replay.page import page
from ccci_host.lab.replay.picture import picture
from ccci_host.lab.replay.policies import POLICIES, Policy
from ccci_host.progress import doing

PART = "replay-incident"
PAGE = "prune-policy.md"
PICTURE = "replay-incident.svg"

DISKS = {"classic": 0.5, "containerd": 0.85}
"""GiB. The containerd store keeps a layer twice, packed and unpacked; swarm's log takes 0.12 of it."""
ACCOUNTS = {"classic": ACCOUNT, "containerd": STRANGER}


def replay(
    lab: Lab,
    *,
    stores: Sequence[str] = tuple(DISKS),
    policies: Sequence[Policy] = POLICIES,
    nights: int = len(PLAN),
    data_gb: float | None = None,
) -> tuple[Campaign, ...]:
    """Play the churn under each of `policies` on each of `stores`; the campaigns in that order.

    `data_gb` is the size of the disks where it is not to be the usual one. What was measured is kept in the
    lab's logs, too. Raises `CcciError` when a campaign cannot begin or cannot be witnessed; what it made is
    removed.
    """
    lab.up(())
    with doing("publishing the images of the replay"):
        publish_specs(lab.hub, [spec for store in stores for spec in specs(store, nights)])

    over = threading.Event()

    def play_all(store: str) -> list[Campaign]:
        with _setting(over), Host(lab, store, ACCOUNTS[store], data_gb or DISKS[store]) as host:
            return [play(host, policy, _until(over, churn(store, nights))) for policy in policies]

    try:
        with ThreadPoolExecutor(len(stores)) as beside, _setting(over):
            campaigns = tuple(campaign for played in beside.map(play_all, stores) for campaign in played)
    finally:
        lab.hub.control.mend()
    raw = json.dumps([asdict(campaign) for campaign in campaigns], indent=1)
    (lab.settings.logs / f"{PART}.json").write_text(raw)
    return campaigns


def record(campaigns: Sequence[Campaign], docs: Path, day: date | None = None) -> str:
    """Write table and picture into the folder `docs`; the table."""
    body = page(campaigns, day or datetime.now(UTC).date(), PICTURE)
    with alone(docs):  # table and picture are of one replay
        refresh(docs / PAGE, PART, body)
        replace_file(docs / PICTURE, picture(campaigns))
    return body


@contextmanager
def _setting(over: threading.Event) -> Iterator[None]:
    """On an error or Ctrl-C, let every host end after the night that it is in."""
    try:
        yield
    except BaseException:
        over.set()
        raise


def _until(over: threading.Event, nights: Iterable[Night]) -> Iterator[Night]:
    for night in nights:
        if over.is_set():
            raise HostError("The replay was given up.")
        yield night
