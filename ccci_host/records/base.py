"""The base of every record, and the words for when it was made."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value that survives JSON unchanged."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Phase = Literal[
    "preflight",
    "deploy",
    "teardown",
    "reboot",
    "redeploy",
    "final-teardown",
    "evict",
    "control-redeploy",
    "pin-control",
    "tag-control",
    "cold-pull",
    "cleanup",
]
"""A stretch of an experiment. What was counted over a stretch carries its phase.

`redeploy` is the deploy under test. `control-redeploy` follows an eviction, and must download."""

Moment = Literal[
    "start",
    "deployed",
    "torn-down",
    "rebooted",
    "paused",
    "redeployed",
    "finally-torn-down",
    "evicted",
    "control-redeployed",
    "cold-pulled",
    "end",
]
"""A point between phases. What was looked at once carries its moment.

`paused` is after a person was waited for, right before the redeploy: who knows what they did."""

StoreKind = Literal["classic", "containerd"]
"""Where the daemon keeps images: its graph driver, or containerd's snapshotter."""

Name = tuple[str, str]
"""Kind (`service`, `volume`, `secret`, …) and name of a thing on the host."""

Leftover = tuple[str, str, str]
"""Kind, name, and why it is still there."""


def digest_of(reference: str) -> str | None:
    """The digest that an image's reference carries (`repo:tag@sha256:…`), or None."""
    _, at, digest = reference.partition("@")
    return digest if at else None
