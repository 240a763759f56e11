"""The lab: a CI host per image store and a stand-in for Docker Hub, made of real parts on this machine."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ccci_host.errors import NotFoundError, RefusedError, UsageError
from ccci_host.lab import image, leftovers, network, ownership, packages
from ccci_host.lab.commands import environment
from ccci_host.lab.configuration import Description
from ccci_host.lab.disk import DataDisk
from ccci_host.lab.doors import HttpsDoor
from ccci_host.lab.guest import STORES, Guest, Placement
from ccci_host.lab.hub import Hub
from ccci_host.lab.images import publish_all
from ccci_host.lab.images.catalogue import CANARIES
from ccci_host.lab.incus import Incus
from ccci_host.lab.incusd import Daemon
from ccci_host.lab.keys import Keys, write_private
from ccci_host.lab.lock import held
from ccci_host.lab.recipes_src import write_recipes
from ccci_host.lab.settings import Settings
from ccci_host.progress import doing

DATA_GB = 3.0
DEFAULT_RECIPE = "small"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an instance is to be."""

    store: str
    data_gb: float = DATA_GB
    """GiB of its data disk."""
    suite: str = image.SUITE
    """The Debian release in it."""


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """An instance of the lab."""

    name: str
    store: str
    status: str
    """As Incus says it: `Running`, `Stopped`, …"""


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What there is of the lab."""

    folder: str
    daemon: str
    """`down`, `own` or `the machine's`."""
    hub: str
    """The stand-in for Docker Hub: `down` or `up`."""
    guests: tuple[GuestStatus, ...]
    config: str | None
    """The path of its ccci.toml, once there is one."""


class Lab:
    """One lab. A method that changes it holds the lab's lock and may be repeated after any interruption."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config_path = settings.config
        self._daemon = Daemon(settings)
        self._keys = Keys(settings.keys)
        self.hub = Hub(state=settings.hub, listen=(str(settings.address.ip),))

    @classmethod
    def default(cls) -> "Lab":
        """The lab of this machine."""
        return cls(Settings.usual())

    def up(self, stores: Sequence[str] = ("classic",)) -> None:
        """Make or mend what is missing and start what stands still: an instance for each of `stores`."""
        check_ours(self.settings)
        with held(self.settings.lock, "starting the lab"):
            self._ensure({store: Wish(store) for store in stores})
            self.hub.control.mend()

    def instance(
        self,
        store: str,
        *,
        name: str,
        data_gb: float = DATA_GB,
        suite: str = image.SUITE,
        anew: bool = False,
    ) -> None:
        """Make an instance of one's own, beside those of `up`; it is the host `name` in `config_path`.

        It gets a data disk of `data_gb` GiB and is of the Debian release `suite`. With `anew`, one of this
        name that is there already goes first, with whatever somebody had done to it when he was killed.
        """
        check_ours(self.settings)
        with held(self.settings.lock, f"making the instance {name}"):
            if anew and self.config_path.exists():
                self._ensure_daemon()
                self._guest(name).remove()
            self._ensure({name: Wish(store, data_gb, suite)})

    def remove(self, name: str) -> None:
        """Delete an instance with its data disk."""
        with held(self.settings.lock, f"removing the instance {name}"):
            self._ensure_daemon()
            self._guest(name).remove()
            self._describe()

    def status(self) -> LabStatus:
        """What there is, without changing anything."""
        answers = self._daemon.answers()
        return LabStatus(
            folder=str(self.settings.folder),
            daemon=("own" if self._daemon.is_own else "the machine's") if answers else "down",
            hub="up" if self.hub.is_running else "down",
            guests=self._guests() if answers else (),
            config=str(self.config_path) if self.config_path.exists() else None,
        )

    def shell(self, name: str) -> None:
        """Replace this process by a root shell in the instance `name`."""
        if name not in {guest.name for guest in self.status().guests}:
            raise NotFoundError(
                f"The lab has no instance called {name!r}, or it is down.",
                resolution="See `invoke lab.status`; start it with `invoke lab.up`.",
            )
        argv = ["incus", "exec", "--project", self.settings.project, name, "--", "bash", "-l"]
        os.execvpe(argv[0], argv, environment(self._daemon.client_environment))  # noqa: S606

    def down(self, *, purge: bool = False) -> None:
        """Stop the lab's processes; with `purge`, remove everything that it made except Debian packages.

        The labs beside it go the same way.
        """
        for settings in self.settings.all_beside():
            Lab(settings).down(purge=purge)
        check_ours(self.settings)
        with held(self.settings.lock, "purging the lab" if purge else "stopping the lab"):
            self.hub.stop()
            if purge:
                self._purge()
                shutil.rmtree(self.settings.folder)
            elif self._daemon.is_own:
                self._daemon.stop()
            elif self._daemon.answers():
                for guest in self._guests():
                    self._guest(guest.name).stop()

    def _ensure(self, wanted: Mapping[str, Wish]) -> None:
        _check(wanted)
        settings = self.settings
        if settings.purging.exists():
            self.hub.stop()
            self._purge()
        self._claim()
        settings.mark.touch()
        log = settings.logs
        packages.ensure(log / "apt-get.log")
        with ThreadPoolExecutor() as beside:
            images = [image.HostImage.of(suite) for suite in {wish.suite for wish in wanted.values()}]
            tarballs = beside.submit(
                lambda: [image.build(host, settings.cache, log / "mmdebstrap.log") for host in images]
            )
            self._ensure_daemon()
            network.ensure(self._incus("default"), settings, self.hub.names)
            self.hub.ensure_running()
            published = beside.submit(publish_all, self.hub)
            write_recipes(settings.recipes)
            for host, tarball in zip(images, tarballs.result(), strict=True):
                image.ensure_imported(self._incus(), host, tarball)
            guests = [
                beside.submit(
                    self._guest(name).ensure, wish.store, self._placement(wish.suite), data_gb=wish.data_gb
                )
                for name, wish in wanted.items()
            ]
            for guest in guests:
                guest.result()
            published.result()
        self._describe()

    def _ensure_daemon(self) -> None:
        """Bring up Incus with project and pool. Data disks come first: it starts again what ran before."""
        self._keys.ensure()
        for file in self.settings.disks.glob("*.img"):
            DataDisk(self.settings.disks, file.stem).ensure_mounted(DATA_GB)
        self._daemon.ensure_running()
        self._claim()
        incus = self._incus("default")
        mark = ownership.mark(self.settings)
        if not incus.find(f"projects/{self.settings.project}"):
            config = {"features.networks": "false", "features.networks.zones": "false", **mark}
            incus.create("projects", {"name": self.settings.project, "config": config})
        if not incus.find(f"storage-pools/{self.settings.project}"):
            self.settings.pool.mkdir(parents=True, exist_ok=True, mode=0o711)
            config = {"source": str(self.settings.pool), **mark}
            incus.create("storage-pools", {"name": self.settings.project, "driver": "dir", "config": config})

    def _claim(self) -> None:
        """Take nothing over in an Incus of others; raises `RefusedError`."""
        if not self._daemon.is_own and self._daemon.answers():
            ownership.claim(self._incus("default"), self.settings)

    def _describe(self) -> None:
        """Write the lab's ccci.toml."""
        projects = () if self._daemon.is_own else (self.settings.project,)
        door = HttpsDoor(self._incus("default"), self._keys)
        description = Description(
            socket=self._daemon.socket,
            https=door.ensure_open(self.settings, projects),
            project=self.settings.project,
            keys=self._keys,
            account=self.hub.account,
            pat_file=self.hub.pat_file("read-only"),
            access_log=self.hub.access_log,
            recipes=self.settings.recipes,
            default_recipe=DEFAULT_RECIPE,
            versions=CANARIES,
            tag_command=(sys.executable, "-m", "ccci_host.lab.hub.tag", str(self.hub.paths.state)),
        )
        names = [guest.name for guest in self._guests()]
        write_private(self.config_path, description.render(names).encode())

    def _incus(self, project: str | None = None) -> Incus:
        return Incus(self._daemon.socket, project or self.settings.project)

    def _guest(self, name: str) -> Guest:
        return Guest(self._incus(), name, DataDisk(self.settings.disks, name))

    def _guests(self) -> tuple[GuestStatus, ...]:
        if not self._incus("default").find(f"projects/{self.settings.project}"):
            return ()
        found = self._incus().list("instances")
        return tuple(
            GuestStatus(item["name"], item["config"].get("user.ccci.store", ""), item["status"])
            for item in sorted(found, key=lambda item: str(item["name"]))
        )

    def _placement(self, suite: str) -> Placement:
        return Placement(
            pool=self.settings.project,
            bridge=self.settings.bridge,
            nameserver=str(self.settings.address.ip),
            image=image.HostImage.of(suite).alias,
            certificate=self.hub.ca_certificate,
            ssh_public=self._keys.ssh_public,
        )

    def _purge(self) -> None:
        """Take away what the lab has in Incus, then what it has on this machine, all but the lock."""
        self._claim()
        self.settings.purging.touch()
        with doing("removing the lab"):
            if self._daemon.is_own:
                self._daemon.stop()
                leftovers.clear(self.settings)
                return
            self._ensure_daemon()
            for guest in self._guests():
                self._guest(guest.name).remove()
            default, project = self._incus("default"), self._incus()
            HttpsDoor(default, self._keys).close(self.settings)
            for found in project.list("images"):
                project.delete(f"images/{found['fingerprint']}")
            default.delete(f"projects/{self.settings.project}")
            default.delete(f"storage-pools/{self.settings.project}")
            network.remove(default, self.settings)
            leftovers.empty_folder(self.settings)


NOT_YET_A_LAB = ("lock", "cache", "logs")
"""What may be in a folder before a lab is made in it: the cache is also of the labs beside it."""


def check_ours(settings: Settings) -> None:
    """Raise `RefusedError` where the lab's folder holds what no lab has made: a purge would take it away."""
    if settings.mark.exists() or not settings.folder.exists():
        return
    others = sorted({path.name for path in settings.folder.iterdir()} - {*NOT_YET_A_LAB})
    if others:
        raise RefusedError(
            f"{settings.folder} is no lab's folder: there is {', '.join(others[:3])} in it.",
            resolution="Name an empty folder, or one that is yet to be made, in CCCI_LAB_DIR.",
        )


def _check(wanted: Mapping[str, Wish]) -> None:
    """Raise before anything is done where it cannot be done: unknown words, missing permission."""
    unknown = sorted({wish.store for wish in wanted.values()} - set(STORES))
    if unknown:
        raise UsageError(
            f"There is no image store called {' or '.join(map(repr, unknown))}.",
            resolution=f"The stores are {' and '.join(STORES)}.",
        )
    if os.geteuid() != 0:
        raise RefusedError(
            "Only root can make the lab: it installs packages, mounts disks and starts Incus.",
            resolution="Run this as root, or describe a host that exists in ccci.toml.",
        )
