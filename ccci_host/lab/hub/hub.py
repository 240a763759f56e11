"""The stand-in for Docker Hub as the lab handles it: prepare, start, stop, and where everything is."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ccci_host import checkout
from ccci_host.errors import CcciError, HostError, tail
from ccci_host.lab.hub import backend, certificates
from ccci_host.lab.hub.accounts import ACCOUNT, READ_ONLY, AccountBook
from ccci_host.lab.hub.backend import Backend
from ccci_host.lab.hub.control import Control
from ccci_host.lab.hub.references import Reference
from ccci_host.lab.hub.registries import DOCKER_HUB, PUBLIC_REGISTRIES, Directory
from ccci_host.lab.hub.settings import ALREADY_RUNNING, Paths, Settings
from ccci_host.waiting import wait_until

_START_SECONDS = 30
_STOP_SECONDS = 15


class Hub:
    """One stand-in, with everything of it in the folder `state`.

    It listens for HTTPS on the addresses in `listen` (`ADDRESS` or `ADDRESS:PORT`), which need not exist yet,
    as Docker Hub and as each of `registries`.
    """

    def __init__(
        self, state: Path, listen: Sequence[str], registries: Sequence[str] = PUBLIC_REGISTRIES
    ) -> None:
        self.paths = Paths(state)
        self._listen = tuple(listen)
        self._registries = tuple(registries)
        self.control = Control(self.paths.control)
        self.account = ACCOUNT

    @property
    def settings(self) -> Settings:
        """What its process is to run with: the registries that were added are among them."""
        return Settings(listen=self._listen, registries=(*self._registries, *self._added()))

    @property
    def ca_certificate(self) -> Path:
        """The certificate (PEM) that a guest has to trust; there after `prepare`."""
        return self.paths.authority

    @property
    def access_log(self) -> Path:
        """One JSON line a request; see docs/hub.md."""
        return self.paths.access_log

    @property
    def names(self) -> tuple[str, ...]:
        """Every host name that a guest has to resolve to one of our addresses."""
        return Directory(self.settings.registries).host_names

    @property
    def accounts(self) -> AccountBook:
        """The accounts and PATs as they are now; reading only, `control` changes them."""
        return AccountBook.ensure(self.paths.accounts, self.paths.pats)

    def pat_file(self, pat: str = READ_ONLY, account: str = ACCOUNT) -> Path:
        """A file of mode 0600 that holds one PAT, for a `ccci.toml`."""
        return self.accounts.pat_file(account, pat)

    def backend(self) -> Backend:
        """The real registry behind it, past accounts and budget; a context manager."""
        return Backend(self.paths.backend_socket)

    def digest(self, reference: Reference) -> str:
        """The digest that a tag means now. Raises `NotFoundError`."""
        with self.backend() as registry:
            return registry.digest(reference)

    def move_tag(self, reference: Reference, target: str) -> str:
        """Let a tag mean another digest (or what another tag means); the digest that it meant before."""
        with self.backend() as registry:
            return registry.move_tag(reference, target)

    def add_registries(self, names: Iterable[str]) -> bool:
        """Answer as these registries, too, from the next `ensure_running` on; whether any of them is new.

        A guest has to resolve their names to our address.
        """
        new = sorted({*names} - {DOCKER_HUB.name, *self.settings.registries})
        if new:
            self.paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            added = json.dumps([*self._added(), *new])
            certificates.write_atomically(self.paths.registries, added.encode(), 0o600)
        return bool(new)

    def prepare(self) -> None:
        """Make the folder, the certificates, the accounts and the settings; what is there stays."""
        paths = self.paths
        paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths.state.chmod(0o700)
        paths.storage.mkdir(exist_ok=True)
        certificates.ensure_authority(paths.authority, paths.authority_key)
        certificates.ensure_leaf(
            paths.certificate,
            paths.certificate_key,
            [*self.names, *(address for address, _ in self.settings.endpoints)],
            paths.authority,
            paths.authority_key,
        )
        AccountBook.ensure(paths.accounts, paths.pats)
        backend.write_config(paths.backend_config, storage=paths.storage, socket=paths.backend_socket)
        certificates.write_atomically(paths.settings, self.settings.model_dump_json().encode(), 0o600)

    def ensure_running(self) -> None:
        """Let the process run with this code and these settings; quick when it does already.

        Raises `HostError` when it cannot, with what it said.
        """
        self.prepare()
        if self._is_locked():
            if self._is_current():
                return
            self.stop()
        process = self._start()
        wait_until(
            lambda: self._has_started(process) or None,
            what="the Docker Hub stand-in to answer",
            timeout=_START_SECONDS,
            interval=0.05,
        )

    def stop(self) -> None:
        """End the process, if there is one, by asking; by signals when it does not listen."""
        if not self._is_locked():
            return
        try:
            self.control.stop()
        except CcciError:
            self._signal(signal.SIGTERM)
        try:
            self._wait_for_end()
        except CcciError:
            self._signal(signal.SIGKILL)
            self._wait_for_end()

    @property
    def is_running(self) -> bool:
        """Whether a process holds this folder."""
        return self._is_locked()

    def _added(self) -> tuple[str, ...]:
        file = self.paths.registries
        return tuple(json.loads(file.read_text())) if file.exists() else ()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self.paths.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "ccci_host.lab.hub.server", str(self.paths.state)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={**environment, "PYTHONPATH": str(checkout.ROOT)},
                start_new_session=True,  # it outlives the command that started it
            )

    def _has_started(self, process: subprocess.Popen[bytes]) -> bool:
        code = process.poll()
        if code not in (None, ALREADY_RUNNING):  # another command may have been quicker
            said = self.paths.output.read_bytes() + self._last_of_log()
            raise HostError(
                f"The Docker Hub stand-in ended at once, with exit code {code}.",
                details=tail(said),
                resolution=f"Free what it names, or see {self.paths.log}.",
            )
        return self._is_current()

    def _is_current(self) -> bool:
        try:
            return bool(self.control.health()["fingerprint"] == self.settings.fingerprint())
        except CcciError:
            return False

    def _is_locked(self) -> bool:
        try:
            descriptor = os.open(self.paths.lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _signal(self, number: signal.Signals) -> None:
        """Signal the process that holds the lock, if it is the one that its lock file names."""
        pid = int(self.paths.lock.read_text().strip() or 0)
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except FileNotFoundError:
            return
        if str(self.paths.state).encode() in words and b"ccci_host.lab.hub.server" in words:
            os.kill(pid, number)

    def _wait_for_end(self) -> None:
        wait_until(
            lambda: None if self._is_locked() else True,
            what="the Docker Hub stand-in to end",
            timeout=_STOP_SECONDS,
            interval=0.02,
        )

    def _last_of_log(self) -> bytes:
        return self.paths.log.read_bytes()[-2000:] if self.paths.log.exists() else b""
