"""The Incus daemon: the machine's own where one runs, else one of the lab's."""

import os
import subprocess
from pathlib import Path

from ccci_host.errors import ConfigError, HostError, UnreachableError, tail
from ccci_host.lab import processes
from ccci_host.lab.commands import environment, run
from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings
from ccci_host.progress import doing
from ccci_host.waiting import wait_until

PROGRAM = Path("/usr/libexec/incus/incusd")
MACHINES_SOCKET = Path("/var/lib/incus/unix.socket")
"""Where a distribution's Incus service answers."""

_CHILD = f"""#!/bin/sh
unset LXC_MEMFD_REXEC
exec {PROGRAM} "$@"
"""
"""What the lab's own daemon starts where it would start itself, as it does for every command in an instance.

Incus has liblxc copy the whole program to memory first and seal the copy, which guards the program against a
hostile container; those of the lab are its own. Now and then the sealing fails, and the command with it
(measured, liblxc 5.0.2: `Device or resource busy - Failed to rexec as memfd`).
"""

_OWN = "own"
_MACHINES = "machine"

_SOCKET_PATH_LIMIT = 107
"""Bytes of a unix socket's path: `sun_path` of unix(7)."""


class Daemon:
    """The daemon that serves the lab in `settings`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def is_own(self) -> bool:
        """Whether the lab runs a daemon of its own. What it chose when it was made is kept."""
        file = self._settings.daemon
        chosen = file.read_text() if file.exists() else ""  # empty: cut off while it was written
        return chosen == _OWN if chosen else not answers(MACHINES_SOCKET)

    @property
    def socket(self) -> Path:
        """The unix socket at which the daemon answers."""
        return self._settings.incus / "unix.socket" if self.is_own else MACHINES_SOCKET

    @property
    def client_environment(self) -> dict[str, str]:
        """What the `incus` command needs in its environment to talk to the daemon."""
        return {"INCUS_DIR": str(self.socket.parent)}

    def answers(self) -> bool:
        """Whether the daemon runs."""
        return answers(self.socket)

    def ensure_running(self) -> None:
        """Start the lab's own daemon where it is needed and does not answer yet."""
        own = self.is_own
        if not self._settings.daemon.exists() or not self._settings.daemon.stat().st_size:
            self._settings.daemon.write_text(_OWN if own else _MACHINES)
        if self.answers():
            return
        if not own:
            raise UnreachableError(
                f"The lab lives in this machine's Incus, and nothing answers at {self.socket}.",
                resolution="Start it (`systemctl start incus`).",
            )
        if len(os.fsencode(self.socket)) > _SOCKET_PATH_LIMIT:
            raise ConfigError(
                f"The lab's folder {self._settings.folder} has too long a path for a unix socket in it.",
                resolution="Choose a shorter one in CCCI_LAB_DIR.",
            )
        if not PROGRAM.exists():
            raise HostError(f"There is no {PROGRAM}.", resolution="Install Debian's incus-base.")
        with doing("starting Incus"):
            process = self._start()
            wait_until(
                lambda: self._up_or_dead(process),
                what="the Incus daemon to answer",
                timeout=120,
                interval=0.1,
                resolution=f"See {self._log}.",
            )
            self._wait_ready()

    def stop(self) -> None:
        """Ask the lab's own daemon to shut down, which stops its instances first. The machine's stays."""
        if not self.is_own:
            return
        if not self.answers():
            processes.end(processes.left_behind(processes.running(), self._settings))
            return
        with doing("stopping Incus and its instances"):
            run(["incus", "admin", "shutdown"], env=self.client_environment).check()

    def _wait_ready(self) -> None:
        """Wait until it has its networks again. It answers before that."""
        run(["incus", "admin", "waitready", "--timeout", "60"], env=self.client_environment).check()

    @property
    def _log(self) -> Path:
        return self._settings.logs / "incusd.log"

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own: it outlives this process and hears none of its signals."""
        self._settings.incus.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        child = self._settings.incus / "child"
        child.write_text(_CHILD)
        child.chmod(0o700)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(PROGRAM), "--group", "root"],
                env=environment({"INCUS_DIR": str(self._settings.incus), "INCUS_EXEC_PATH": str(child)}),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _up_or_dead(self, process: "subprocess.Popen[bytes]") -> bool | None:
        if answers(self.socket):
            return True
        if process.poll() is not None:
            raise HostError(
                f"The Incus daemon ended at once, with exit code {process.returncode}.",
                details=tail(self._log.read_bytes()),
            )
        return None


def answers(socket: Path) -> bool:
    """Whether an Incus daemon answers at `socket`."""
    if not socket.is_socket():
        return False
    try:
        Incus(socket)
    except UnreachableError:
        return False
    return True
