"""Keys are made once, whole, and readable by their owner alone."""

from pathlib import Path

import paramiko
from cryptography import x509

from ccci_host.lab.keys import Keys


def test_keys_are_made_once(tmp_path: Path) -> None:
    Keys(tmp_path / "keys").ensure()
    first = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    Keys(tmp_path / "keys").ensure()
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == first


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    keys.ensure()
    for path in (tmp_path / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_the_ssh_pair_belongs_together(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.ensure()
    private = paramiko.Ed25519Key.from_private_key_file(str(keys.ssh_key))
    assert keys.ssh_public.read_text().split()[1] == private.get_base64()


def test_a_pair_that_was_cut_off_half_way_is_made_anew(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.ensure()
    keys.ssh_public.unlink()
    half = keys.ssh_key.read_bytes()
    keys.ensure()
    assert keys.ssh_key.read_bytes() != half
    private = paramiko.Ed25519Key.from_private_key_file(str(keys.ssh_key))
    assert keys.ssh_public.read_text().split()[1] == private.get_base64()


def test_the_client_certificate_is_for_clients(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.ensure()
    certificate = x509.load_pem_x509_certificate(keys.client_cert.read_bytes())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH in usage
    assert len(keys.client_fingerprint()) == 64
