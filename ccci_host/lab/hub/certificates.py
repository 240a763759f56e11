"""The lab's certificate authority, and the one certificate that carries every name of the stand-in."""

import datetime as dt
import os
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_DAYS = 3650
_LEAF_DAYS = 365
_RENEW_BEFORE = dt.timedelta(days=30)


def ensure_authority(certificate: Path, key: Path) -> None:
    """Make the certificate authority unless it is there. Its key is readable by the owner only."""
    if certificate.exists() and key.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    name = _name("ccci lab certificate authority")
    made = (
        _builder(name, name, private, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(private, hashes.SHA256())
    )
    _write_key(key, private)
    write_atomically(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)


def ensure_leaf(
    certificate: Path, key: Path, names: Sequence[str], authority: Path, authority_key: Path
) -> None:
    """Make the server's certificate for `names` (host names and addresses).

    One that is there stays when it carries exactly these names, comes from this authority and is good for
    another 30 days.
    """
    issuer = x509.load_pem_x509_certificate(authority.read_bytes())
    if certificate.exists() and key.exists() and _is_good(certificate, names, issuer):
        return
    signer = serialization.load_pem_private_key(authority_key.read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - we made it
    private = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(_name(names[0]), issuer.subject, private, _LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _write_key(key, private)
    write_atomically(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)


def write_atomically(path: Path, content: bytes, mode: int) -> None:
    """Write `path` whole or not at all, never readable by more than `mode` allows."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    temporary.replace(path)


def _is_good(certificate: Path, names: Sequence[str], issuer: x509.Certificate) -> bool:
    known = x509.load_pem_x509_certificate(certificate.read_bytes())
    carried = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        known.issuer == issuer.subject
        and known.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        and set(carried) == {_general_name(name) for name in names}
        and known.not_valid_after_utc - dt.datetime.now(dt.UTC) > _RENEW_BEFORE
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, private: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))  # a guest's clock may be behind
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(path: Path, private: ec.EllipticCurvePrivateKey) -> None:
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomically(path, pem, 0o600)
