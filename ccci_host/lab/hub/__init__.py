"""A stand-in for Docker Hub, and for other registries, made of a real registry behind a gateway of ours."""

from ccci_host.lab.hub.accounts import ACCOUNT, READ_ONLY, READ_WRITE, REVOKED, STRANGER
from ccci_host.lab.hub.faults import Fault
from ccci_host.lab.hub.hub import Hub
from ccci_host.lab.hub.references import Reference, parse_reference
from ccci_host.lab.hub.state import PRIVATE_REPOSITORY

__all__ = [
    "ACCOUNT",
    "PRIVATE_REPOSITORY",
    "READ_ONLY",
    "READ_WRITE",
    "REVOKED",
    "STRANGER",
    "Fault",
    "Hub",
    "Reference",
    "parse_reference",
]
