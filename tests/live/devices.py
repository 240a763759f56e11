"""Folders of the machine that runs the lab, handed to a running instance and taken back."""

from pathlib import Path

from ccci_host.agent import paths
from ccci_host.lab import Lab
from ccci_host.lab.disk import DataDisk
from ccci_host.lab.incus import Incus
from ccci_host.transport.machine import Machine


class Devices:
    """The devices of one instance."""

    def __init__(self, machine: Machine) -> None:
        table = machine.config.incus
        self._incus = Incus(Path(table.endpoint), table.project)
        self._path = f"instances/{machine.name}"
        self.disk = DataDisk(Lab.default().settings.disks, machine.name)

    def plug(self, name: str, source: Path, path: str) -> None:
        """Show the folder `source` of this machine at `path` in the instance."""
        device = {"type": "disk", "source": str(source), "path": path}
        self._incus.patch(self._path, {"devices": {name: device}})

    def unplug(self, name: str) -> None:
        """Take the device `name` back; nothing in the instance may use it any more."""
        whole = self._incus.get(self._path)
        devices = {key: device for key, device in whole["devices"].items() if key != name}
        self._incus.put(self._path, {**whole, "devices": devices})

    def put_state_on_data_disk(self) -> None:
        """Let the agent's state lie on the disk that it guards; empty at first."""
        folder = self.disk.mount_point / Path(paths.STATE).name
        folder.mkdir(exist_ok=True)
        self.plug("state", folder, paths.STATE)
