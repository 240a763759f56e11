"""Where SSH knocks, and how it knows that the right machine opens.

The host key is read out of the instance through Incus when the server shows one, and compared. Nothing is
taken from `~/.ssh`, nothing is trusted at first sight.
"""

import base64
import binascii
from pathlib import Path

import paramiko

from ccci_host.config import SshTable
from ccci_host.errors import ConfigError, NotFoundError, UnreachableError
from ccci_host.transport.machine import Instance, require_running

_KEY_FILES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}


class WrongHostKeyError(UnreachableError):
    """What answers on the SSH port is not the instance: its host key is another."""


class HostKeyOfInstance(paramiko.MissingHostKeyPolicy):
    """Accepts exactly the host keys that lie in the instance. Remembers them, as a reboot keeps them."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._known: dict[str, paramiko.PKey] = {}

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        """Return when `key` is the instance's; raises `WrongHostKeyError` otherwise."""
        kind = key.get_name()
        if self._known.get(kind) == key:
            return
        self._known[kind] = self._learn(kind, hostname)
        if self._known[kind] != key:
            raise WrongHostKeyError(
                f"SSH at {hostname} shows a host key that is not the one of {self._instance.where}.",
                details=f"Shown: {key.fingerprint}; the instance has {self._known[kind].fingerprint}.",
                resolution="Another machine answers there, or one in between: check `address` and `port` "
                "under [host.….ssh] in ccci.toml.",
            )

    def _learn(self, kind: str, hostname: str) -> paramiko.PKey:
        path = f"/etc/ssh/ssh_host_{_KEY_FILES.get(kind, 'ecdsa')}_key.pub"
        try:
            return parse_public_key(self._instance.read_file(path).decode(errors="replace"))
        except NotFoundError as error:
            raise WrongHostKeyError(
                f"SSH at {hostname} shows a host key of type {kind}, and {self._instance.where} has none.",
                details=error.brief,
                resolution="Another machine answers there: check `address` and `port` under [host.….ssh].",
            ) from None
        except ValueError as error:
            raise UnreachableError(
                f"{path} in {self._instance.where} holds no host key.",
                details=str(error),
                resolution="Make it again on the host with `ssh-keygen -A`.",
            ) from None


class Door:
    """The SSH server of one instance, and the key that opens it."""

    def __init__(self, table: SshTable, instance: Instance) -> None:
        self._table = table
        self._instance = instance
        self.key = load_private_key(table.key)
        self.host_keys = HostKeyOfInstance(instance)

    @property
    def port(self) -> int:
        """TCP port."""
        return self._table.port

    @property
    def user(self) -> str:
        """Who logs in."""
        return self._table.user

    @property
    def key_file(self) -> Path:
        """Where the private key came from, for messages."""
        return self._table.key

    def address(self) -> str:
        """The configured address, or the one that Incus knows now: a reboot may change it."""
        return self._table.address or self._instance.address()

    def require_running(self) -> None:
        """Raise `UnreachableError` when there is nobody to open: the instance is stopped or frozen."""
        require_running(self._instance)


def load_private_key(path: Path) -> paramiko.PKey:
    """The private key in the file at `path`; raises `ConfigError` when it holds none that can be used."""
    resolution = "`key` under [host.….ssh] must name an unencrypted private key (`ssh-keygen -t ed25519`)."
    try:
        return paramiko.PKey.from_path(path)
    except OSError as error:
        problem = f"The SSH key {path} cannot be read.", str(error)
    except (paramiko.PasswordRequiredException, TypeError):  # cryptography says TypeError: no password
        problem = f"The SSH key {path} is encrypted.", ""
    except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        problem = f"{path} holds no SSH private key.", str(error)
    raise ConfigError(problem[0], details=problem[1], resolution=resolution)


def parse_public_key(line: str) -> paramiko.PKey:
    """The key in a line of a `.pub` file; raises `ValueError` when there is none."""
    words = line.split()
    if len(words) < 2:
        raise ValueError("expected: TYPE BASE64 COMMENT")
    try:
        return paramiko.PKey.from_type_string(words[0], base64.b64decode(words[1], validate=True))
    except (binascii.Error, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        raise ValueError(f"not a public key: {error}") from None
