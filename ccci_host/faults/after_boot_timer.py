"""The timer that fires after the boot, before the redeploy: it meets the run's timed lease, and waits."""

from ccci_host.agent import paths
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

_RAN = ("systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value", paths.SERVICE)


class AfterBootTimer(Fault):
    """Starts the agent's service right after the reboot. Nothing is lost by it."""

    name = "after-boot-timer"
    task = "reboot-and-redeploy"
    point = ("before", "redeploy")
    expected = Verdict.PASS
    check = "images-retained"

    def __init__(self) -> None:
        self._before = ""

    def inject(self, machine: Machine) -> None:
        """Let it fire; the unit is through when this returns."""
        self._before = machine.executor.run(_RAN).check().text
        machine.executor.run(["systemctl", "start", paths.SERVICE], timeout=120)

    def is_present(self, machine: Machine) -> bool:
        """Whether it has run since."""
        return bool(self._before) and machine.executor.run(_RAN).check().text != self._before

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added."""
        self._before = ""


FAULT = AfterBootTimer()
