"""The embedded default: a host to try everything on. Nothing outside this room knows that it is a lab."""

from ccci_host.lab.lab import GuestStatus, Lab, LabStatus
from ccci_host.lab.settings import Settings

__all__ = ["GuestStatus", "Lab", "LabStatus", "Settings"]
