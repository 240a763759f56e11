"""The agent's service altered by a drop-in: its own file is as built, and no tick deletes anything."""

from ccci_host.agent import paths
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine

_FOLDER = f"{paths.UNIT_FOLDER}/{paths.SERVICE}.d"
_PATH = f"{_FOLDER}/ccci-fault.conf"
_DROP_IN = f"[Service]\nExecStart=\nExecStart={paths.ARCHIVE} observe\n"


class UnitAltered(Fault):
    """A drop-in with which the agent's service looks, and never sweeps."""

    name = "unit-altered"
    task = "verify-pc1"
    check = "agent-as-built"
    because = f"alters {paths.SERVICE}"

    def inject(self, machine: Machine) -> None:
        """Write it, and have systemd read it."""
        argv = ["install", "-D", "--mode=0644", "/dev/stdin", _PATH]
        machine.executor.run(argv, input=_DROP_IN.encode()).check()
        machine.executor.run(["systemctl", "daemon-reload"]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether that is what systemd would start."""
        argv = ["systemctl", "show", "--property=ExecStart", "--value", paths.SERVICE]
        return f"{paths.ARCHIVE} observe" in machine.executor.run(argv).check().text

    def revert(self, machine: Machine) -> None:
        """Take the file away, and its folder if nothing else is in it; each step may be made twice."""
        machine.executor.run(["rm", "--force", _PATH]).check()
        if machine.executor.run(["test", "-d", _FOLDER]).ok:
            machine.executor.run(["rmdir", "--ignore-fail-on-non-empty", _FOLDER]).check()
        machine.executor.run(["systemctl", "daemon-reload"]).check()


FAULT = UnitAltered()
