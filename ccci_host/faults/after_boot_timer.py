"""The timer that fires after the boot, before the redeploy: it meets the run's timed lease, and waits."""

import json
from typing import Any

from ccci_host.agent import paths
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

_DECIDED = ("stat", "--format=%y", f"{paths.STATE}/{paths.LAST_FILE}")
"""When the agent wrote down its last decision, to the nanosecond."""


class AfterBootTimer(Fault):
    """Starts the agent's service right after the reboot. Nothing is lost by it."""

    name = "after-boot-timer"
    task = "reboot-and-redeploy"
    point = ("before", "redeploy")
    expected = Verdict.PASS
    check = "images-retained"

    def __init__(self) -> None:
        self._before: str | None = None

    def inject(self, machine: Machine) -> None:
        """Let it fire; the unit is through when this returns."""
        self._before = machine.executor.run(_DECIDED).text  # nothing before the agent's first decision
        machine.executor.run(["systemctl", "start", paths.SERVICE], timeout=120)

    def is_present(self, machine: Machine) -> bool:
        """Whether the agent has decided since, and the lease was among its reasons to delete nothing."""
        if self._before is None or machine.executor.run(_DECIDED).check().text == self._before:
            return False
        said = machine.executor.run([paths.ARCHIVE, "status", "--json"]).check()
        last: dict[str, Any] = json.loads(said.stdout)["last"]
        return "lease" in last.get("gates", {})

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added."""
        self._before = None


FAULT = AfterBootTimer()
