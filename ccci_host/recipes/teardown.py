"""Removes a stack: services, volumes, secrets, configs, networks. Never an image, never a neighbour."""

import time
from collections.abc import Collection
from typing import Any

from ccci_host.errors import RefusedError, WaitTimeoutError
from ccci_host.recipes.host import Patient, check_stack
from ccci_host.records import Removal
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until

TIMEOUT = 300.0
"""Seconds for a stack to go; a database may take two minutes to shut down."""
ASKING = 60.0


def teardown(
    machine: Machine, stack: str, *, secrets: Collection[str] = (), timeout: float = TIMEOUT
) -> Removal:
    """Remove `stack` from `machine` and wait, at most `timeout` seconds, until it is really gone.

    Goes: what carries the stack's label; the secrets that the suite generated for it; those that its services
    use under its name, and no other stack's; and `secrets` by name. External networks and volumes are their
    maker's. `docker stack rm` returns long before the end; this does not.

    What could not be removed in that time is in `left`, with the daemon's reason; so is, not waited for, a
    secret that was made for the stack and that another's service uses. Safe to repeat.
    """
    check_stack(stack)
    begun = time.monotonic()
    removed: dict[tuple[str, str], None] = {}
    known = set(secrets)
    last: dict[str, Any] = {}
    host = Patient(machine)

    def sweep() -> bool | None:
        asked = {"stack": stack, "secrets": sorted(known), "shared": last.get("shared", {})}
        answer = host.ask("remove", asked, timeout=ASKING)
        if answer is None:
            return None
        removed.update(dict.fromkeys((kind, name) for kind, name in answer["removed"]))
        known.update(answer["secrets"])
        last.update(answer)
        return None if any(answer["traces"].values()) else True

    try:
        # Another deploy of this stack may be under way, left behind by a controller that died.
        wait_until(sweep, what=f"the stack {stack} to go", timeout=timeout, retry_on=(RefusedError,))
    except WaitTimeoutError:
        if not last:
            raise
    return Removal(
        stack=stack, removed=tuple(removed), left=_left(last), seconds=round(time.monotonic() - begun, 3)
    )


def _left(last: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    reasons = {(kind, name): reason for kind, name, reason in last["left"]}
    names = [(kind, name) for kind, found in last["traces"].items() for name in found]
    return (
        *((kind, name, reasons.get((kind, name), "still there")) for kind, name in names),
        *(("secret", name, f"{service} uses it too") for name, service in last.get("shared", {}).items()),
    )
