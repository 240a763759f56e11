"""The layer store: images by the daemon's word, layers by what lies on disk.

Sees which layers are there and when each was downloaded. Cannot see a layer that was downloaded and is gone
again, and asks the daemon under test which layers make up an image.
"""

from typing import Any, get_args

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.records import Moment, StoredImage, StoredLayer, StoreSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.program import DOCKER_SOCKET, source

TIMEOUT = 120.0


class StoreWitness:
    """Reads the store whole, in one round trip, on either kind of store."""

    moments: frozenset[Moment] = frozenset(get_args(Moment))

    def look(self, machine: Machine, moment: Moment, cycle: int) -> StoreSeen:
        """The store now."""
        try:
            seen = machine.run_python(
                source("store"), {"socket": DOCKER_SOCKET}, timeout=TIMEOUT, repeatable=True
            )
        except (CommandFailedError, HostError) as error:
            return StoreSeen(moment=moment, cycle=cycle, problem=str(error))
        return parse(seen, moment, cycle)


def parse(seen: dict[str, Any], moment: Moment, cycle: int) -> StoreSeen:
    """The record of what the host program saw."""
    return StoreSeen(
        moment=moment,
        cycle=cycle,
        host_clock=seen["host_clock"],
        store=seen.get("store"),
        images=tuple(StoredImage(**image) for image in seen.get("images", ())),
        layers=tuple(StoredLayer(**layer) for layer in seen.get("layers", ())),
        problem=seen.get("problem"),
    )


WITNESS = StoreWitness()
