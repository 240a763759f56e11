"""A lab beside the usual one, to be killed, mended and purged."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ccci_host.errors import CcciError
from ccci_host.lab import Lab, processes
from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings
from ccci_host.waiting import wait_until

_UP = """
import sys
from pathlib import Path
from ccci_host.lab import Lab
from ccci_host.lab.settings import Settings
Lab(Settings.for_folder(Path(sys.argv[1]))).up()
"""


class ScratchLab:
    """The lab in `folder`, driven by controllers of their own, as a person and a CI would."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings.for_folder(folder)
        self.lab = Lab(self.settings)

    def borrow_image(self) -> None:
        """Take the usual lab's CI host image, where it has one: making it is `image`'s matter."""
        self.settings.cache.mkdir(parents=True, exist_ok=True)
        for tarball in Settings.usual().cache.glob("*.tar"):
            if not (self.settings.cache / tarball.name).exists():
                os.link(tarball, self.settings.cache / tarball.name)

    def start_controller(self) -> "subprocess.Popen[bytes]":
        """Another process that brings the lab up."""
        argv = [sys.executable, "-c", _UP, str(self.settings.folder)]
        return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_controller_when(self, seen: Callable[[], bool], what: str) -> None:
        """Start a controller, and kill it as soon as `seen`; what it started goes on."""
        with self.start_controller() as controller:

            def ready() -> bool | None:
                assert controller.poll() is None, f"the controller ended before {what}"
                return seen() or None

            try:
                wait_until(ready, what=what, timeout=240, interval=0.02)
            finally:
                controller.kill()

    def kill_all(self) -> int:
        """Kill every process of the lab at once; how many they were."""
        pids = [
            *processes.left_behind(processes.running(), self.settings),
            *(process.pid for process in processes.running() if f"{self.settings.hub}" in process.command),
        ]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return len(pids)

    def incus(self, project: str | None = None) -> Incus:
        """The lab's Incus."""
        return Incus(self.settings.incus / "unix.socket", project or self.settings.project)

    def has(self, path: str) -> bool:
        """Whether Incus answers and knows an object at `path`."""
        try:
            return self.incus().find(path) is not None
        except CcciError:
            return False
