import ssl
from pathlib import Path

import pytest
from cryptography import x509

from ccci_host.lab.hub.certificates import ensure_authority, ensure_leaf, write_atomically

NAMES = ["registry-1.docker.io", "10.77.0.1"]


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path]:
    pair = (tmp_path / "ca.pem", tmp_path / "ca.key")
    ensure_authority(*pair)
    return pair


def test_an_authority_stays_the_same(authority: tuple[Path, Path]) -> None:
    before = authority[0].read_bytes()
    ensure_authority(*authority)
    assert authority[0].read_bytes() == before
    assert authority[1].stat().st_mode & 0o777 == 0o600


def test_a_leaf_is_made_anew_only_when_it_must_be(authority: tuple[Path, Path], tmp_path: Path) -> None:
    leaf, key = tmp_path / "leaf.pem", tmp_path / "leaf.key"
    ensure_leaf(leaf, key, NAMES, *authority)
    first = leaf.read_bytes()
    ensure_leaf(leaf, key, list(reversed(NAMES)), *authority)
    assert leaf.read_bytes() == first
    ensure_leaf(leaf, key, [*NAMES, "ghcr.io"], *authority)
    second = leaf.read_bytes()
    assert second != first

    for file in authority:
        file.unlink()
    ensure_authority(*authority)
    ensure_leaf(leaf, key, [*NAMES, "ghcr.io"], *authority)
    assert leaf.read_bytes() != second


def test_a_strict_client_trusts_the_chain(authority: tuple[Path, Path], tmp_path: Path) -> None:
    leaf, key = tmp_path / "leaf.pem", tmp_path / "leaf.key"
    ensure_leaf(leaf, key, NAMES, *authority)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(leaf, key)
    client = ssl.create_default_context(cafile=str(authority[0]))
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=NAMES[0])
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ours.version() == "TLSv1.3"
    carried = x509.load_pem_x509_certificate(leaf.read_bytes())
    assert carried.not_valid_before_utc < carried.not_valid_after_utc


def test_a_file_is_never_there_half(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, b"one", 0o644)
    write_atomically(file, b"two", 0o600)
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
