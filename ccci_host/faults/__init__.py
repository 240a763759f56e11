"""Faults: harm done on purpose on a disposable host, to see that the proof sees it."""

from ccci_host.faults.fault import START, Fault, all_faults, injected

__all__ = ["START", "Fault", "all_faults", "injected"]
