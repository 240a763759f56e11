"""The ways to a host: Incus for what is outside the machine, SSH or Incus for what runs inside."""

from ccci_host.transport.incus import IncusInstance, IncusServer, connect
from ccci_host.transport.machine import Instance, Machine
from ccci_host.transport.opening import open_machine
from ccci_host.transport.readiness import Readiness, wait_until_ready

__all__ = [
    "IncusInstance",
    "IncusServer",
    "Instance",
    "Machine",
    "Readiness",
    "connect",
    "open_machine",
    "wait_until_ready",
]
