"""Power cuts: atomic pictures of an instance's data disk, and a second Docker that starts on one.

The file behind the disk's loop device is moved to an XFS. A reflinked copy of it there is what a power cut in
that moment would leave: what was fsynced, and of the rest what happened to have reached the disk.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ccci_host.agent import paths
from ccci_host.agent.sightings import UNCONNECTED
from ccci_host.lab import Lab, packages
from ccci_host.lab.commands import run
from ccci_host.transport.executor import Completed
from ccci_host.waiting import pause, wait_until
from tests.live.agent_host import AgentHost
from tests.live.devices import Devices

PICTURE = "/picture"
"""Where the instance sees the picture that is looked at."""
SOCKET = "/run/picture/docker.sock"
STATE = f"{PICTURE}/{Path(paths.STATE).name}"
RUN = "/run/picture/ccci-prune"
PLACES = ("--socket", SOCKET, "--state", STATE, "--run", RUN)

CONTAINERD, DOCKER, WATCH = "picture-containerd", "picture-docker", "picture-watch"
"""Units of the second Docker, and of its watcher."""

XFS_GB = 4


class Pictures:
    """Of the data disk of one instance, with the agent's state on it."""

    def __init__(self, host: AgentHost) -> None:
        self.host = host
        self._devices = Devices(host.machine)
        self._disk = self._devices.disk
        self._folder = Lab.default().settings.folder / f"pictures-{host.machine.name}"
        self._xfs = self._folder.with_suffix(".xfs")
        self._mount_point = self._folder / "mounted"

    def begin(self) -> None:
        """Move the disk to an XFS, and the agent's state to the disk. The instance is stopped meanwhile."""
        packages.install(packages.missing(["xfsprogs"]), Lab.default().settings.logs / "apt-get.log")
        self.host.machine.instance.request_stop(force=False, timeout=60)
        self._disk.unmount()
        self._folder.mkdir(exist_ok=True)
        with self._xfs.open("wb") as file:
            file.truncate(XFS_GB * 2**30)
        run(["mkfs.xfs", "-q", "-f", "-m", "reflink=1", str(self._xfs)]).check()
        run(["mount", "-o", "loop", str(self._xfs), str(self._folder)]).check()
        self._mount_point.mkdir()
        moved = self._folder / "disk.img"
        run(["cp", "--sparse=always", str(self._disk.file), str(moved)]).check()
        self._disk.file.unlink()
        self._disk.file.symlink_to(moved)
        self._disk.ensure_mounted(0)
        self._devices.put_state_on_data_disk()
        self.host.machine.instance.request_start(timeout=60)
        wait_until(lambda: self.host.run("docker", "info").ok or None, what="Docker on the XFS", timeout=120)

    def end(self) -> None:
        """Take the pictures and their XFS away. The instance is removed by whoever made it, after this."""
        self.host.machine.instance.request_stop(force=True, timeout=60)
        self._disk.remove()
        # Who has copied this machine's mounts meanwhile, as mmdebstrap does, holds it a little longer.
        run(["umount", "--lazy", str(self._folder)]).check()
        self._folder.rmdir()
        self._xfs.unlink()

    def during(self, work: Callable[[], object], number: int, rng: random.Random) -> list[Path]:
        """Pictures of `number` random moments of `work`, in their order."""
        taken: list[Path] = []
        with ThreadPoolExecutor() as beside:
            working = beside.submit(work)
            while not working.done():
                picture = self._folder / f"picture-{len(taken)}.img"
                run(["cp", "--reflink=always", str(self._folder / "disk.img"), str(picture)]).check()
                taken.append(picture)
                pause(0.02)
            working.result()
        chosen = sorted(rng.sample(range(len(taken)), min(number, len(taken))))
        for place, picture in enumerate(taken):
            if place not in chosen:
                picture.unlink()
        return [taken[place] for place in chosen]

    @contextmanager
    def powered_on(self, picture: Path) -> Iterator[None]:
        """A second Docker on `picture`, in the same instance, at `SOCKET`. The picture is used up."""
        run(["mount", "-o", "loop", str(picture), str(self._mount_point)]).check()
        try:
            self._devices.plug("picture", self._mount_point, PICTURE)
            self._start()
            yield
        finally:
            self.host.run("systemctl", "stop", DOCKER, CONTAINERD, WATCH)
            self._devices.unplug("picture")
            run(["umount", str(self._mount_point)]).check()
            picture.unlink()

    def read_whole(self, images: Iterable[str]) -> None:
        """Read every file of `images` at the second Docker; raises when one cannot be read."""
        docker = f"docker --host unix://{SOCKET}"
        self.host.sh(
            f"set -e; for image in {' '.join(images)}; do"
            f"  made=$({docker} create --network none $image true);"
            f"  {docker} export $made > /dev/null;"
            "done",
            timeout=300,
        )

    def prune(self, word: str, *argv: str) -> Completed:
        """A word of the agent to the second Docker, with the state that is in the picture."""
        return self.host.prune(word, *PLACES, *argv)

    def _start(self) -> None:
        """Watcher and daemons as at a boot, apart from the first ones in everything, without a network."""
        self.host.sh("rm -rf /run/picture; mkdir -p /run/picture")
        address = "/run/picture/containerd.sock"
        self._start_unit(WATCH, "exec", paths.ARCHIVE, "watch", *PLACES)
        self._start_unit(
            CONTAINERD, "notify", "containerd", "--address", address,
            "--root", f"{PICTURE}/containerd", "--state", "/run/picture/containerd",
        )  # fmt: skip
        self._start_unit(
            DOCKER, "notify", "dockerd", "--host", f"unix://{SOCKET}", "--containerd", address,
            "--data-root", f"{PICTURE}/docker", "--exec-root", "/run/picture/docker",
            "--pidfile", "/run/picture/docker.pid", "--bridge", "none", "--iptables=false",
        )  # fmt: skip
        connected = f"test ! -e {RUN}/{UNCONNECTED}"
        wait_until(
            lambda: self.host.run("sh", "-c", connected).ok or None, what="the second watcher", timeout=60
        )

    def _start_unit(self, unit: str, kind: str, *argv: str) -> None:
        options = (f"--unit={unit}", f"--property=Type={kind}", "--property=KillMode=mixed")
        self.host.run("systemd-run", "--quiet", "--collect", *options, *argv).check()


@contextmanager
def pictures_of(host: AgentHost) -> Iterator[Pictures]:
    """Pictures of the disk of `host`, which must have an instance of its own, to be removed after this."""
    pictures = Pictures(host)
    pictures.begin()
    try:
        yield pictures
    finally:
        pictures.end()
