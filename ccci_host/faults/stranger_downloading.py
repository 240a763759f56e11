"""A stranger who downloads while the redeploy goes on: bytes come in, and no registry accounts for them."""

import socket

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

MEGABYTES = 96
PIECE = b"\0" * 1400
DISCARD = 9
"""The port whose service throws everything away; that none answers there is no matter."""


class StrangerDownloading(Fault):
    """Sends the host more bytes than the recipe weighs, from here."""

    name = "stranger-downloading"
    task = "verify-pc3"
    point = ("amid", "redeploy")
    expected = Verdict.UNKNOWN
    check = "layers-from-local-store"
    because = "no registry accounts for it"

    def __init__(self) -> None:
        self._before = 0

    def inject(self, machine: Machine) -> None:
        """Send them."""
        self._before = machine.instance.bytes_received()
        there = (machine.instance.address(), DISCARD)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for _ in range(MEGABYTES * 1_000_000 // len(PIECE)):
                try:
                    out.sendto(PIECE, there)
                except ConnectionRefusedError:
                    continue  # the host says that nobody listens; the bytes have come in all the same

    def is_present(self, machine: Machine) -> bool:
        """Whether they came in."""
        came = machine.instance.bytes_received() - self._before
        return bool(self._before) and came > MEGABYTES * 500_000

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """What has come in has come in."""
        self._before = 0


FAULT = StrangerDownloading()
