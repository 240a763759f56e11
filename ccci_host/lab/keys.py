"""Keys for the two doors of a remote host: a client certificate for Incus, a key for SSH."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

_LIFETIME = datetime.timedelta(days=3650)


class Keys:
    """The files in `folder`, made on first use. Private halves are of mode 0600."""

    def __init__(self, folder: Path) -> None:
        self.client_cert = folder / "client.crt"
        self.client_key = folder / "client.key"
        self.server_cert = folder / "server.crt"
        self.ssh_key = folder / "id_ed25519"
        self.ssh_public = folder / "id_ed25519.pub"

    def ensure(self) -> None:
        """Make what is missing. The public half is written last and says that its pair is whole."""
        self.ssh_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.ssh_public.exists():
            self._make_ssh_key()
        if not self.client_cert.exists():
            self._make_client_certificate()

    def client_fingerprint(self) -> str:
        """SHA-256 of the client certificate in hexadecimal: its name among Incus' trusted certificates."""
        certificate = x509.load_pem_x509_certificate(self.client_cert.read_bytes())
        return certificate.fingerprint(hashes.SHA256()).hex()

    def _make_ssh_key(self) -> None:
        key = ed25519.Ed25519PrivateKey.generate()
        write_private(
            self.ssh_key,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            ),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        write_private(self.ssh_public, public + b" ccci-lab\n")

    def _make_client_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP384R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ccci-lab")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(key, hashes.SHA384())
        )
        write_private(
            self.client_key,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        write_private(self.client_cert, certificate.public_bytes(serialization.Encoding.PEM))


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, whole or not at all."""
    half_done = path.with_suffix(path.suffix + ".half-done")
    half_done.unlink(missing_ok=True)
    half_done.touch(mode=0o600)
    half_done.write_bytes(content)
    half_done.rename(path)
