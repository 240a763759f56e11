import gzip
import io
import tarfile

from ccci_host.lab.images.layers import Layer, Member, digest_of, filler, pack


def members_of(layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.blob))) as archive:
        return {member.name: member for member in archive.getmembers()}


def make() -> Layer:
    members = [Member("etc", mode=0o755), Member("etc/motd", b"hello\n"), Member("bin/sh", target="busybox")]
    return pack(members, mtime=1000)


def test_a_layer_has_files_folders_and_links() -> None:
    members = members_of(make())
    assert members["etc"].isdir()
    assert members["etc/motd"].isfile()
    assert members["bin/sh"].linkname == "busybox"
    assert {(member.mtime, member.uid, member.uname) for member in members.values()} == {(1000, 0, "")}


def test_the_same_layer_has_the_same_bytes() -> None:
    assert make().digest == make().digest
    assert filler("one", 1000, mtime=0).digest == filler("one", 1000, mtime=0).digest
    assert filler("one", 1000, mtime=0).digest != filler("two", 1000, mtime=0).digest


def test_a_filler_is_as_large_as_asked_also_on_the_wire() -> None:
    layer = filler("harbour/guestbook:1.0", 100_000, mtime=0)
    assert 100_000 < len(layer.blob) < 120_000


def test_the_two_digests_are_of_the_tar_and_of_the_blob() -> None:
    layer = make()
    assert layer.diff_id == digest_of(gzip.decompress(layer.blob)) != layer.digest
