"""The lab's bridge: addresses, a way out, and Docker Hub's names pointing at the stand-in."""

from collections.abc import Iterable

from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings

CREATED = "Created"


def ensure(incus: Incus, settings: Settings, names: Iterable[str]) -> None:
    """Make the bridge, or set it right. `names` resolve to its own address in every instance on it.

    `incus` must look at the default project: networks of other projects need OVN.
    """
    wanted = {
        "ipv4.address": str(settings.address),
        "ipv4.nat": "true",
        "ipv6.address": "none",
        "raw.dnsmasq": f"address=/{'/'.join(sorted(names))}/{settings.address.ip}",
    }
    network = incus.find(f"networks/{settings.bridge}")
    if network and network["status"] != CREATED:
        incus.delete(f"networks/{settings.bridge}")
        network = None
    if network is None:
        incus.create("networks", {"name": settings.bridge, "type": "bridge", "config": wanted})
    elif any(network["config"].get(key) != value for key, value in wanted.items()):
        incus.patch(f"networks/{settings.bridge}", {"config": wanted})
