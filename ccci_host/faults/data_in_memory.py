"""The data directories on a tmpfs: all is well until the first reboot."""

import json

from ccci_host.faults.aside import put_aside, put_back
from ccci_host.faults.daemon_setting import restart
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine

DOCKER, CONTAINERD = "/run/ccci-fault-docker", "/run/ccci-fault-containerd"
SETTINGS = "/etc/docker/daemon.json"
CONTAINERD_SETTINGS = "/etc/containerd/config.toml"
_ROOT = ("docker", "info", "--format", "{{.DockerRootDir}}")


class DataInMemory(Fault):
    """dockerd, and containerd beside it, keep what they have below /run, in a swarm of their own."""

    name = "data-on-tmpfs"
    task = "reboot-and-redeploy"
    check = "images-retained"
    wishes = {"boot_timeout": 25.0}  # noqa: RUF012 - a mapping, never written to

    def inject(self, machine: Machine) -> None:
        """Start both anew with other folders, and make a swarm there."""
        run = machine.executor.run
        settings = json.loads(run(["cat", SETTINGS]).text or "{}")
        for path, content in (
            (SETTINGS, json.dumps({**settings, "data-root": DOCKER})),
            (CONTAINERD_SETTINGS, f'version = 2\nroot = "{CONTAINERD}"\n'),
        ):
            put_aside(machine, path)
            run(["install", "-D", "--mode=0644", "/dev/stdin", path], input=content.encode()).check()
        self._restart(machine, swarm=False)
        run(["docker", "swarm", "init", "--advertise-addr", machine.instance.address()]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether dockerd says so."""
        return machine.executor.run(_ROOT).text == DOCKER

    def revert(self, machine: Machine) -> None:
        """Start both anew with the folders of before."""
        for path in (SETTINGS, CONTAINERD_SETTINGS):
            put_back(machine, path)
        self._restart(machine, swarm=True)
        machine.executor.run(["rm", "--recursive", "--force", DOCKER, CONTAINERD]).check()

    def _restart(self, machine: Machine, *, swarm: bool) -> None:
        for words in (["stop", "docker.socket", "docker.service"], ["restart", "containerd.service"]):
            machine.executor.run(["systemctl", *words], timeout=120).check()
        machine.executor.run(["systemctl", "start", "docker.socket"]).check()
        restart(machine, swarm=swarm)


FAULT = DataInMemory()
