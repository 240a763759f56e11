"""Faults that only the lab can do: in the registry, which is its own, and by more instances than one."""

from ccci_host.lab.faults.hub_fault import is_of_the_lab
from ccci_host.lab.lab import Lab
from ccci_host.transport.machine import Machine


def renew_pulls(machine: Machine) -> None:
    """Full buckets at the stand-in, where `machine` pulls from it: a matrix takes more than there is."""
    if is_of_the_lab(machine):
        Lab.default().hub.control.refill()
