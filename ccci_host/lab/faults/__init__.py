"""Faults that only the lab can do: in the registry, which is its own, and by more instances than one."""
