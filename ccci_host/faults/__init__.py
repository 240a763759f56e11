"""Faults: harm done on purpose on a disposable host, to see that the proof sees it."""

from ccci_host.faults.fault import Fault, Point, all_faults, injected

__all__ = ["Fault", "Point", "all_faults", "injected"]
