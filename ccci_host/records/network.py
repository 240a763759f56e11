"""What moved: bytes over the interface, requests at the registry, quota, the daemon's own events."""

from typing import Literal

from ccci_host.records.base import Moment, Phase, Record

CounterSource = Literal["outside", "guest"]
"""Who counts: Incus on the outside (container), or the kernel of the guest itself (virtual machine)."""


class NoiseSeen(Record):
    """Bytes that come in while nothing is done: the floor under every figure of the interface."""

    kind: Literal["noise"] = "noise"
    source: CounterSource = "outside"
    bytes: int | None = None
    seconds: float = 0.0
    problem: str | None = None


class InterfaceSeen(Record):
    """Bytes that came in over the instance's interface during a phase."""

    kind: Literal["interface"] = "interface"
    phase: Phase
    cycle: int = 1
    source: CounterSource = "outside"
    bytes: int | None = None
    seconds: float = 0.0
    problem: str | None = None


RequestKind = Literal["manifest", "config", "layer", "token", "other"]


class RegistryRequest(Record):
    """One line of the registry's access log."""

    at: str
    registry: str
    account: str | None
    """None: anonymous."""
    method: str
    what: RequestKind
    repository: str
    reference: str = ""
    """The tag or digest that was asked for."""
    digest: str | None = None
    status: int
    bytes: int
    user_agent: str = ""

    @property
    def is_layer_download(self) -> bool:
        """Whether layer bytes were served."""
        return self.what == "layer" and self.method == "GET" and self.status in (200, 206)

    @property
    def costs_quota(self) -> bool:
        """Whether Docker Hub counts it: a `GET` of a manifest (fact 13)."""
        return self.registry == "docker.io" and self.what == "manifest" and self.method == "GET"


class RequestsSeen(Record):
    """What the host asked its registries for during a phase, in the registries' own words."""

    kind: Literal["requests"] = "requests"
    phase: Phase
    cycle: int = 1
    source: str = ""
    """The host's address, by which lines of the log were chosen."""
    requests: tuple[RegistryRequest, ...] = ()
    """Without those of the suite itself, which names itself in its user agent."""
    others: int = 0
    """Lines of other addresses in the same stretch of the log."""
    problem: str | None = None


class DaemonEvent(Record):
    """An event of the Docker daemon."""

    at: float
    """Epoch seconds, the host's clock."""
    type: str
    action: str
    id: str
    name: str = ""
    exit_code: int | None = None
    """Of a container that died."""


class EventsSeen(Record):
    """The daemon's events about images during a phase. They prove nothing alone (fact 15)."""

    kind: Literal["events"] = "events"
    phase: Phase
    cycle: int = 1
    since: float = 0.0
    until: float = 0.0
    events: tuple[DaemonEvent, ...] = ()
    """Of type `image` only."""
    total: int = 0
    """Events of every type in the stretch."""
    lost: bool | None = None
    """Whether the buffer of 256 overran, so that some may be missing; None when it could not be read."""
    problem: str | None = None


class Bucket(Record):
    """A rate-limit bucket of Docker Hub, read by a `HEAD`."""

    account: str | None
    """None: the anonymous one of the host's address."""
    limit: int | None = None
    remaining: int | None = None
    """May be negative. None is unknown, never zero (fact 14)."""
    window_seconds: int | None = None
    source: str | None = None
    """`docker-ratelimit-source`, as it came."""
    problem: str | None = None
    uncounted: bool = False
    """Docker Hub answered, and without the headers: it keeps no figures of paid accounts (fact 14)."""


class BucketsSeen(Record):
    """Both buckets at one moment: whichever went down has paid."""

    kind: Literal["buckets"] = "buckets"
    moment: Moment
    cycle: int = 1
    buckets: tuple[Bucket, ...] = ()
    problem: str | None = None
