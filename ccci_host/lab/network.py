"""The lab's bridge: addresses, a way out, and Docker Hub's names pointing at the stand-in."""

import socket
from collections.abc import Iterable
from typing import Any

from ccci_host.errors import HostError
from ccci_host.lab import ownership
from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings
from ccci_host.waiting import wait_until

_DNS = 53
_AGAIN = "\n# again"
"""A change of the configuration makes Incus start dnsmasq again."""

CREATED = "Created"
UNAVAILABLE = "Unavailable"
"""There, and not started: Incus met a link that another Incus was taking away. It tries again each minute."""
STARTS_WITHIN = 150.0
"""Seconds: two of those tries."""


def ensure(incus: Incus, settings: Settings, names: Iterable[str]) -> None:
    """Make the bridge, or set it right. `names` resolve to its own address in every instance on it.

    `incus` must look at the default project: networks of other projects need OVN.
    """
    path = f"networks/{settings.bridge}"
    wanted = ownership.mark(settings) | {
        "ipv4.address": str(settings.address),
        "ipv4.nat": "true",
        "ipv6.address": "none",
        "raw.dnsmasq": f"address=/{'/'.join(sorted(names))}/{settings.address.ip}",
    }
    network = _settled(incus, path)
    if network and network["status"] != CREATED:
        incus.delete(path)
        network = None
    if network is None:
        incus.create("networks", {"name": settings.bridge, "type": "bridge", "config": wanted})
    elif any(network["config"].get(key) != value for key, value in wanted.items()):
        incus.patch(path, {"config": wanted})
    elif not _answers(str(settings.address.ip)):
        incus.patch(path, {"config": {**wanted, "raw.dnsmasq": wanted["raw.dnsmasq"] + _AGAIN}})
        incus.patch(path, {"config": wanted})


def _settled(incus: Incus, path: str) -> Any:
    """The network as Incus knows it, once it is not about to be started; None where there is none."""

    def ask() -> tuple[Any] | None:
        network = incus.find(path)
        return None if network and network["status"] == UNAVAILABLE else (network,)

    (found,) = wait_until(ask, what="Incus to start the lab's network", timeout=STARTS_WITHIN)
    return found


def remove(incus: Incus, settings: Settings) -> None:
    """Take the bridge away; again where a link of another Incus went from under Incus' eyes."""
    path = f"networks/{settings.bridge}"
    try:
        incus.delete(path)
    except HostError:
        incus.delete(path)


def _answers(address: str) -> bool:
    """Whether the bridge's dnsmasq runs. Incus starts it with the bridge and does not look after it."""
    try:
        socket.create_connection((address, _DNS), timeout=2).close()
    except OSError:
        return False
    return True
