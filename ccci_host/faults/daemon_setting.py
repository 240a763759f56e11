"""Faults in a setting with which dockerd runs: it starts anew with it, and again without."""

from abc import abstractmethod
from typing import ClassVar

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.transport.readiness import wait_until_ready

READY_SECONDS = 120.0


class DaemonSetting(Fault):
    """Adds a drop-in to docker.service."""

    renews_containers = True
    drop_in: ClassVar[str]
    """The lines below `[Service]`."""

    @property
    def path(self) -> str:
        """Where the drop-in stands."""
        return f"/etc/systemd/system/docker.service.d/ccci-fault-{self.name}.conf"

    def inject(self, machine: Machine) -> None:
        """Write it, and start dockerd anew."""
        argv = ["install", "-D", "--mode=0644", "/dev/stdin", self.path]
        machine.executor.run(argv, input=f"[Service]\n{self.drop_in}".encode()).check()
        restart(machine)

    @abstractmethod
    def is_present(self, machine: Machine) -> bool:
        """Whether the dockerd that runs has the setting."""

    def revert(self, machine: Machine) -> None:
        """Take the file away, and start dockerd anew."""
        if machine.executor.run(["test", "-e", self.path]).ok:
            machine.executor.run(["rm", self.path]).check()
            restart(machine)


def restart(machine: Machine, *, swarm: bool = True) -> None:
    """Start dockerd anew, with its units read again, and wait until it, and its `swarm`, answer."""
    for words in (["daemon-reload"], ["reset-failed", "docker.service"], ["restart", "docker.service"]):
        machine.executor.run(["systemctl", *words], timeout=READY_SECONDS).check()
    wait_until_ready(machine, timeout=READY_SECONDS, swarm=swarm)
