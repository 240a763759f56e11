"""dockerd killed in the middle of the redeploy; systemd starts it again, and all containers with it."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

_PID = ("systemctl", "show", "--property=MainPID", "--value", "docker.service")


class DockerdKilled(Fault):
    """Kills dockerd once. The redeploy, which has begun, survives it; strangers' containers do not.

    Swarm starts these anew, and the daemon no longer knows how the old ones ended, nor at whose word.
    """

    name = "dockerd-killed"
    task = "verify-pc3"
    point = ("amid", "redeploy")
    expected = Verdict.UNKNOWN
    check = "strangers-untouched"
    renews_containers = True

    def __init__(self) -> None:
        self._before = ""

    def inject(self, machine: Machine) -> None:
        """Kill it."""
        self._before = machine.executor.run(_PID).check().text
        machine.executor.run(["systemctl", "kill", "--signal=SIGKILL", "docker.service"]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether the process of before is gone."""
        return bool(self._before) and machine.executor.run(_PID).check().text != self._before

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """systemd has started another."""
        self._before = ""


FAULT = DockerdKilled()
