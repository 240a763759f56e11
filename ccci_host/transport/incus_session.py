"""The HTTP session under pylxd: its own, so that nothing of the environment reaches into it.

`REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and proxies are ignored (pylxd 2.4.2 lets the first two beat a pinned
certificate), and over HTTPS a server counts as ours when its certificate is the pinned one, byte for byte;
names and dates in it do not matter, as an Incus certificate is self-signed.
"""

import hashlib
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pylxd.client
import requests
import requests.adapters

from ccci_host.config import IncusTable
from ccci_host.errors import ConfigError, UnreachableError

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class PinnedAdapter(requests.adapters.HTTPAdapter):
    """Speaks TLS with the one server whose certificate has `fingerprint` (SHA-256, hex)."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """Make the pool whose connections check the fingerprint."""
        super().init_poolmanager(
            connections, maxsize, block, assert_fingerprint=self._fingerprint, **pool_kwargs
        )


def open_session(table: IncusTable) -> requests.Session:
    """A session for the server of `table`.

    Raises `ConfigError` when a certificate or key file is unfit, `UnreachableError` when the unix socket is
    missing, closed to us or deserted.
    """
    if not table.over_https:
        _knock(table.endpoint)
        session: requests.Session = pylxd.client.get_session_for_url("http+unix://")
        session.trust_env = False
        return session
    assert table.server_cert and table.client_cert and table.client_key  # noqa: S101 - IncusTable holds it
    fingerprint = certificate_fingerprint(table.server_cert)
    _check_pair(table.client_cert, table.client_key)
    session = requests.Session()
    session.trust_env = False
    session.cert = (str(table.client_cert), str(table.client_key))
    session.verify = False  # no authority vouches for it: the fingerprint decides
    session.adapters.clear()
    session.mount("https://", PinnedAdapter(fingerprint))
    return session


def certificate_fingerprint(path: Path) -> str:
    """SHA-256 of the certificate in the PEM file at `path`, hex; raises `ConfigError` when it holds none."""
    resolution = "server_cert must name a copy of the server's own `server.crt`."
    try:
        armoured = _CERTIFICATE.search(path.read_text(errors="replace"))
    except OSError as error:
        raise ConfigError(
            f"The pinned Incus server certificate {path} cannot be read.",
            details=str(error),
            resolution=resolution,
        ) from None
    try:
        pem = armoured[0] if armoured else ""
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            f"{path} holds no PEM certificate.", details=str(error), resolution=resolution
        ) from None
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.create_default_context().load_cert_chain(certificate, key, password="")
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            "The Incus client certificate cannot be used.",
            details=f"{certificate} with {key}: {error.strerror or error}",
            resolution="client_cert and client_key must name a PEM certificate and its unencrypted key.",
        ) from None


def _knock(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(5)
        try:
            knocking.connect(path)
        except FileNotFoundError:
            raise UnreachableError(
                f"There is no Incus socket at {path}.",
                resolution="Start Incus, or set `endpoint` in ccci.toml to where its unix.socket is.",
            ) from None
        except PermissionError:
            raise UnreachableError(
                f"The Incus socket {path} is closed to this user.",
                resolution="Become root, or a member of the group that may use Incus (`incus-admin`).",
            ) from None
        except OSError as error:
            raise UnreachableError(
                f"Nothing answers on the Incus socket {path}.",
                details=str(error),
                resolution="Start the Incus daemon (`systemctl start incus`).",
            ) from None
