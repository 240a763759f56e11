"""The two doors of a remote host: Incus over HTTPS with a trusted client certificate, and SSH with a key."""

import base64
import socket
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ccci_host.errors import HostError
from ccci_host.lab import ownership
from ccci_host.lab.incus import Incus
from ccci_host.lab.keys import Keys, write_private
from ccci_host.lab.settings import Settings

_ADDRESS = "core.https_address"
_LOOPBACK = "127.0.0.1"
_TRIES = 20
_EVERYWHERE = ("", "[::]", "0.0.0.0")  # noqa: S104 - recognised, not listened on
_OURS = "user.ccci-lab.https"
"""Set on a server whose HTTPS address the lab chose, and may take away again."""


@dataclass(frozen=True, slots=True)
class HttpsDoor:
    """HTTPS on the server at `incus`."""

    incus: Incus
    keys: Keys

    def ensure_open(self, settings: Settings, projects: tuple[str, ...]) -> str:
        """Listen, trust the lab's client, keep a copy of the server's certificate; returns the endpoint.

        The client may do all there, or where there are `projects`, only what these hold.
        """
        server = self.incus.get("")
        address = server["config"].get(_ADDRESS)
        if not address:
            address = f"{_LOOPBACK}:{_free_port(settings.https_port)}"
            self.incus.patch("", {"config": {_ADDRESS: address, _OURS: "true"}})
        write_private(self.keys.server_cert, server["environment"]["certificate"].encode())
        if not self.incus.find(f"certificates/{self.keys.client_fingerprint()}"):
            certificate = x509.load_pem_x509_certificate(self.keys.client_cert.read_bytes())
            encoded = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
            trusted = {"name": "ccci-lab", "type": "client", "certificate": encoded}
            self.incus.create(
                "certificates", {**trusted, "restricted": bool(projects), "projects": list(projects)}
            )
        host, _, port = address.rpartition(":")
        return f"https://{_LOOPBACK if host in _EVERYWHERE else host}:{port}"

    def close(self, settings: Settings) -> None:
        """Trust the lab's client no longer, and stop listening where a lab began it and none else is left."""
        if self.keys.client_cert.exists():
            self.incus.delete(f"certificates/{self.keys.client_fingerprint()}")
        if self.incus.get("")["config"].get(_OURS) and not ownership.others(self.incus, settings):
            self.incus.patch("", {"config": {_ADDRESS: "", _OURS: ""}})


def _free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on: another Incus or LXD may have the usual one."""
    for port in range(first, first + _TRIES):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, port))
            except OSError:
                continue
            return port
    raise HostError(f"The ports {first} to {first + _TRIES - 1} on {_LOOPBACK} are all taken.")
