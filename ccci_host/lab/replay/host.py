"""Where a campaign is played: one instance a store, made new for each policy, with an account of its own."""

from pathlib import Path
from types import TracebackType
from typing import Self

from ccci_host import config
from ccci_host.agent import paths
from ccci_host.config import HubTable, PatTable
from ccci_host.lab.disk import FOLDERS, DataDisk
from ccci_host.lab.hub import READ_ONLY, Hub
from ccci_host.lab.lab import Lab
from ccci_host.progress import doing
from ccci_host.provision import provision
from ccci_host.transport import Machine, open_machine

DOCKER = ("docker.socket", "docker.service", "containerd.service")
EMPTYING = 120.0


class Host:
    """An instance of the lab with a disk of `data_gb` GiB. A context manager; it is gone afterwards.

    Nobody else pulls with `account` at the same time, so that its quota is this host's.
    """

    def __init__(self, lab: Lab, store: str, account: str, data_gb: float) -> None:
        self.store = store
        self.hub: Hub = lab.hub
        self._lab = lab
        self._account = account
        self._data_gb = data_gb
        self._name = f"replay-{store}"
        self._machine: Machine | None = None

    @property
    def mount_point(self) -> Path:
        """Its disk, seen from outside."""
        return DataDisk(self._lab.settings.disks, self._name).mount_point

    def set_quota(self, manifests: int) -> None:
        """Let its account have so many manifests in this window, none of them spent."""
        payer = f"account:{self._account}"
        self.hub.control.set_limit(payer, manifests)
        self.hub.control.set_remaining(payer, manifests)

    def renew(self) -> Machine:
        """The host as it was made: an empty store, a new swarm, provisioned; ticks are started by hand."""
        if self._machine:
            with doing(f"emptying {self._name}"):
                self._empty(self._machine)
        self._ensure()
        name, table = config.load(self._lab.config_path).select(self._name)
        if self._machine is None:
            pat = PatTable(file=self.hub.pat_file(READ_ONLY, self._account))
            mine = table.model_copy(update={"hub": HubTable(account=self._account, pat=pat)})
            self._machine = open_machine(name, mine)
        provision(self._machine)
        self._machine.executor.run(["systemctl", "stop", paths.TIMER]).check()
        return self._machine

    def __enter__(self) -> Self:
        self._lab.remove(self._name)  # one that was cut off may have left it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._machine:
            self._machine.close()
        self._lab.remove(self._name)

    def _ensure(self) -> None:
        self._lab.instance(self.store, name=self._name, data_gb=self._data_gb)

    def _empty(self, machine: Machine) -> None:
        """Stop Docker and delete all that it has, and the agent's memory; however full the disk is."""
        machine.executor.run(["systemctl", "stop", paths.WATCH, *DOCKER], timeout=EMPTYING).check()
        folders = [*FOLDERS.values(), paths.STATE]
        argv = ["find", *folders, "-mindepth", "1", "-delete"]
        machine.executor.run(argv, timeout=EMPTYING).check()
        machine.executor.run(["systemctl", "start", *reversed(DOCKER)], timeout=EMPTYING).check()
