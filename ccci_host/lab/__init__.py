"""The embedded default: a host to try everything on. Nothing outside this room knows that it is a lab."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccci_host.lab.lab import GuestStatus, Lab, LabStatus

__all__ = ["GuestStatus", "Lab", "LabStatus"]


def __getattr__(name: str) -> Any:
    """`Lab` on demand: the stand-in's own process lives in this room too, and starts faster without Incus."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ccci_host.lab import lab  # noqa: PLC0415 - the point of it

    return getattr(lab, name)
