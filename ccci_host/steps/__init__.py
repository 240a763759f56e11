"""What provisioning brings about on a host: one file a step, found by being here.

A module that has a `STEP` is a step; `registry.all_steps()` puts them in the order that they ask for.
"""
