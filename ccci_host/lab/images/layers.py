"""Layers as bytes: deterministic tar archives, so that the same catalogue has the same digests every time."""

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Layer:
    """A layer: its uncompressed tar, and the blob that a registry holds."""

    tar: bytes
    blob: bytes

    @cached_property
    def diff_id(self) -> str:
        """The digest of the tar, which an image's configuration names."""
        return digest_of(self.tar)

    @cached_property
    def digest(self) -> str:
        """The digest of the blob, which a manifest names."""
        return digest_of(self.blob)


@dataclass(frozen=True, slots=True)
class Member:
    """A file, folder or symbolic link of a layer. With neither `content` nor `target`: a folder."""

    path: str
    content: bytes | None = None
    target: str | None = None
    mode: int = 0o644


def pack(members: Iterable[Member], *, mtime: int, level: int = 6) -> Layer:
    """A layer of `members`, owned by root, all of one time (epoch seconds)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            info = tarfile.TarInfo(member.path)
            info.mtime = mtime
            info.mode = member.mode
            if member.target is not None:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, member.target, 0o777
            elif member.content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(member.content)
            archive.addfile(info, io.BytesIO(member.content or b""))
    tar = stream.getvalue()
    return Layer(tar, gzip.compress(tar, compresslevel=level, mtime=0))


def filler(name: str, size: int, *, mtime: int) -> Layer:
    """A layer of about `size` bytes that no compressor makes smaller, the same for the same `name`."""
    content = random.Random(name).randbytes(size)  # noqa: S311 - filler, not a secret
    path = f"opt/{name.replace('/', '-').replace(':', '-')}.bin"
    return pack([Member("opt", mode=0o755), Member(path, content)], mtime=mtime, level=0)


def digest_of(content: bytes) -> str:
    """`sha256:` and the hex digits."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
