"""A CI host of the lab: a system container with Docker on a data disk of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccci_host.config import IncusTable
from ccci_host.errors import CommandTimeoutError, HostError, NotFoundError, UnreachableError
from ccci_host.lab import harness
from ccci_host.lab.disk import FOLDERS, DataDisk
from ccci_host.lab.incus import Incus
from ccci_host.progress import doing
from ccci_host.transport.executor import Executor
from ccci_host.transport.incus import IncusInstance, connect
from ccci_host.waiting import wait_until

STORES: Mapping[str, Mapping[str, Any]] = {
    "classic": {"features": {"containerd-snapshotter": False}},
    "containerd": {"features": {"containerd-snapshotter": True}},
}
"""The image stores, and what daemon.json says to get each."""

CERTIFICATE = "/usr/local/share/ca-certificates/ccci-lab.crt"
AUTHORIZED_KEYS = "/root/.ssh/authorized_keys"

_UNIFIED_CGROUPS = Path("/sys/fs/cgroup/cgroup.controllers")
_BOOT_SECONDS = 90.0

_STORE = "user.ccci.store"
_IMAGE = "user.ccci.image"
_WHOLE = "user.ccci.whole"
"""Set last. An instance without it was cut off while Incus made it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What the instances of a lab share."""

    pool: str
    bridge: str
    nameserver: str
    image: str
    """Alias of the CI host image."""
    certificate: Path
    """The lab's certificate authority, which the stand-in's certificates come from."""
    ssh_public: Path


def _from_here(placement: Placement) -> dict[str, tuple[bytes, int]]:
    """Files that this checkout and its lab put into every instance, with their modes."""
    return {
        CERTIFICATE: (placement.certificate.read_bytes(), 0o644),
        AUTHORIZED_KEYS: (placement.ssh_public.read_bytes(), 0o644),
        harness.PATH: (harness.build_archive(), 0o755),
    }


def _read(instance: IncusInstance, path: str) -> bytes | None:
    try:
        return instance.read_file(path)
    except NotFoundError:
        return None


class Guest:
    """The instance called `name`, with one of `STORES`."""

    def __init__(self, incus: Incus, name: str, disk: DataDisk) -> None:
        self._incus = incus
        self._name = name
        self._disk = disk

    def ensure(self, store: str, placement: Placement, *, data_gb: float) -> None:
        """Make it, start it, and wait until Docker and its swarm are ready.

        An instance that is half there, of another image or of another store is made anew, with its disk.
        """
        if not self._is_as_wanted(store, placement):
            self.remove()
            self._disk.ensure_mounted(data_gb)
            with doing(f"making the instance {self._name}"):
                self._make(store, placement)
        instance = self._instance()
        if instance.status() != "Running":
            self._start(instance)
        self._renew(instance, placement)
        if self._swarm_is_active(instance.executor()):
            return
        with doing(f"waiting for Docker and its swarm in {self._name}"):
            self._become_ready(instance)

    def stop(self) -> None:
        """Stop it gracefully, where it runs."""
        if self._incus.find(self._path) and self._instance().status() == "Running":
            self._instance().request_stop(force=False, timeout=30)

    def remove(self) -> None:
        """Delete it with all that it holds."""
        if self._incus.find(self._path):
            with doing(f"removing the instance {self._name}"):
                self._incus.settle(self._name)
                if self._instance().status() != "Stopped":
                    self._instance().request_stop(force=True, timeout=30)
                self._incus.delete(self._path)
        self._disk.remove()

    @property
    def _path(self) -> str:
        return f"instances/{self._name}"

    def _instance(self) -> IncusInstance:
        table = IncusTable(endpoint=str(self._incus.socket), instance=self._name, project=self._incus.project)
        return connect(table).instance(self._name)

    def _is_as_wanted(self, store: str, placement: Placement) -> bool:
        found = self._incus.find(self._path)
        wanted = {_STORE: store, _IMAGE: placement.image, _WHOLE: "true"}
        return found is not None and wanted.items() <= found["config"].items() and self._disk.file.exists()

    def _make(self, store: str, placement: Placement) -> None:
        devices = {
            "root": {"type": "disk", "path": "/", "pool": placement.pool},
            "eth0": {"type": "nic", "name": "eth0", "network": placement.bridge},
        }
        for folder, path in FOLDERS.items():
            source = str(self._disk.mount_point / folder)
            devices[folder] = {"type": "disk", "source": source, "path": path}
        config = {
            "security.nesting": "true",
            "security.privileged": "true",
            _STORE: store,
            _IMAGE: placement.image,
        }
        if not _UNIFIED_CGROUPS.exists():  # the systemd of Debian 13 takes cgroup v1 only when told to
            config["raw.lxc"] = "lxc.init.cmd = /sbin/init SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
        self._incus.create(
            "instances",
            {
                "name": self._name,
                "type": "container",
                "source": {"type": "image", "alias": placement.image},
                "profiles": [],
                "config": config,
                "devices": devices,
            },
        )
        self._furnish(self._instance(), store, placement)
        self._incus.patch(self._path, {"config": {_WHOLE: "true"}})

    def _furnish(self, instance: IncusInstance, store: str, placement: Placement) -> None:
        """Put into the new instance what differs from one to the next; its first boot makes use of it."""
        hosts = f"127.0.0.1 localhost\n127.0.1.1 {self._name}\n"
        self._incus.make_folder(self._name, "/root/.ssh", mode=0o700)
        self._incus.make_folder(self._name, "/etc/docker")
        for path, content in {
            "/etc/hostname": f"{self._name}\n".encode(),
            "/etc/hosts": hosts.encode(),
            "/etc/resolv.conf": f"nameserver {placement.nameserver}\n".encode(),
            "/etc/docker/daemon.json": json.dumps(STORES[store]).encode(),
        }.items():
            instance.write_file(path, content, mode=0o644)
        for path, (content, mode) in _from_here(placement).items():
            instance.write_file(path, content, mode=mode)

    def _start(self, instance: IncusInstance) -> None:
        """Start it. A daemon that has itself just started does so too, and may be quicker."""
        try:
            instance.request_start(timeout=60)
        except HostError:
            if instance.status() != "Running":
                raise

    def _renew(self, instance: IncusInstance, placement: Placement) -> None:
        """Take over what is not as at its making: keys after the stand-in's state was lost, the harness."""
        wanted = _from_here(placement)
        outdated = [path for path, (content, _) in wanted.items() if _read(instance, path) != content]
        for path in outdated:
            content, mode = wanted[path]
            instance.write_file(path, content, mode=mode)
        if CERTIFICATE in outdated:
            executor = instance.executor()
            executor.run(["update-ca-certificates", "--fresh"]).check()
            executor.run(["systemctl", "restart", "docker"]).check()

    def _become_ready(self, instance: IncusInstance) -> None:
        executor = instance.executor()
        not_yet = (UnreachableError, HostError, CommandTimeoutError)
        wait_until(
            lambda: executor.run(["docker", "info"], timeout=20).ok or None,
            what=f"Docker in {self._name}",
            timeout=_BOOT_SECONDS,
            retry_on=not_yet,
            resolution=f"Look at it with `invoke lab.shell --name {self._name}` and `journalctl -u docker`.",
        )
        if not self._swarm_is_active(executor):
            executor.run(["docker", "swarm", "init", "--advertise-addr", instance.address()]).check()

    def _swarm_is_active(self, executor: Executor) -> bool:
        shown = executor.run(["docker", "info", "--format", "{{.Swarm.LocalNodeState}}"])
        return shown.ok and shown.text == "active"
