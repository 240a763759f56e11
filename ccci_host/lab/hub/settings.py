"""What the hub's process is started with: its folder, and which addresses and names it answers under."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ccci_host.errors import UsageError
from ccci_host.lab.hub.registries import PUBLIC_REGISTRIES

HTTPS_PORT = 443

ALREADY_RUNNING = 75
"""Exit code of a hub's process that found another one holding the lock; `EX_TEMPFAIL`."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything of a hub is: one folder, of mode 0700."""

    state: Path

    @property
    def settings(self) -> Path:
        """`Settings`, as JSON."""
        return self.state / "settings.json"

    @property
    def registries(self) -> Path:
        """The registries that were added to those played from the start: a JSON list of names."""
        return self.state / "registries.json"

    @property
    def lock(self) -> Path:
        """Holds the process id; locked as long as that process lives."""
        return self.state / "hub.lock"

    @property
    def control(self) -> Path:
        """The unix socket of the control door."""
        return self.state / "control.sock"

    @property
    def log(self) -> Path:
        """What the process has to say, of bounded size."""
        return self.state / "hub.log"

    @property
    def output(self) -> Path:
        """What the process wrote before it could log, or when it died; begun anew at each start."""
        return self.state / "hub.out"

    @property
    def access_log(self) -> Path:
        """One JSON line a request."""
        return self.state / "access.jsonl"

    @property
    def live_state(self) -> Path:
        """`LiveState`, as JSON."""
        return self.state / "live.json"

    @property
    def accounts(self) -> Path:
        """The accounts and their PATs, mode 0600."""
        return self.state / "accounts.json"

    @property
    def pats(self) -> Path:
        """A folder with a file for each PAT, mode 0600."""
        return self.state / "pats"

    @property
    def authority(self) -> Path:
        """The certificate that guests have to trust."""
        return self.state / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """Its key."""
        return self.state / "ca.key"

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.state / "server.pem"

    @property
    def certificate_key(self) -> Path:
        """Its key."""
        return self.state / "server.key"

    @property
    def token_key(self) -> Path:
        """The key that signs bearer tokens."""
        return self.state / "tokens.key"

    @property
    def backend_config(self) -> Path:
        """The configuration of `docker-registry`."""
        return self.state / "registry.json"

    @property
    def backend_socket(self) -> Path:
        """The unix socket of `docker-registry`."""
        return self.state / "registry.sock"

    @property
    def storage(self) -> Path:
        """What `docker-registry` stores."""
        return self.state / "registry"

    @property
    def published(self) -> Path:
        """Which images have been published, by content; in the storage, so that both go together."""
        return self.storage / "published.json"


class Settings(BaseModel):
    """Addresses (`ADDRESS` or `ADDRESS:PORT`) and the registries besides Docker Hub."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: tuple[str, ...] = Field(min_length=1)
    registries: tuple[str, ...] = PUBLIC_REGISTRIES

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """Address and port of each door; port 0 lets the kernel choose. Raises `UsageError`."""
        return tuple(_endpoint(text) for text in self.listen)

    def fingerprint(self) -> str:
        """Changes with these settings and with the hub's own code: then its process has to be a new one."""
        digest = hashlib.sha256(self.model_dump_json().encode())
        for module in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(module.name.encode() + b"\0" + module.read_bytes())
        return digest.hexdigest()


def _endpoint(text: str) -> tuple[str, int]:
    address, colon, port = text.partition(":")
    if not address or (colon and not port.isdecimal()):
        raise UsageError(f"`{text}` is no IPv4 ADDRESS or ADDRESS:PORT to listen on.")
    return address, int(port) if colon else HTTPS_PORT
