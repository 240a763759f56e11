"""Pulls under way, which no API lists: the files that they download layers into.

The classic store downloads into `DockerRootDir/tmp/GetImageBlob*` and removes the file once the layer is
unpacked and registered, or the pull has failed. So a file that is there is a layer on its way, also while it
waits for those below it or is unpacked, and does not grow. dockerd empties that folder when it starts: what
one that was killed has left is no sign of a pull. Source: moby 20.10, 26.1 and 28.5,
distribution/pull_v2.go, distribution/xfer/download.go, and `prepareTempDir` in daemon/daemon.go.

containerd downloads into the `ingest` folder of its content store, and leaves what was cut off there: only a
file that grew lately is a download, and a layer that is being unpacked has no file there any more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from .clock import HOUR, show
from .host import Host
from .pressure import store_folders


class _Kind(NamedTuple):
    """Download files of one store: which, and for how many seconds after one last grew it shows a pull."""

    pattern: str
    lasts: float


KINDS = (
    _Kind("tmp/GetImageBlob*", HOUR),  # so that a pull that hangs does not stop retention for ever
    _Kind("io.containerd.content.v1.content/ingest/*/data", 60.0),
)


def under_way(host: Host, now: Optional[float] = None) -> tuple[str, ...]:
    """The pulls under way, in words. Raises `UnreadableError` when the store's place cannot be told."""
    now = time.time() if now is None else now
    grown = [moment for moment, lasts in _grown(host) if abs(now - moment) < lasts]
    if not grown:
        return ()
    return (
        f"a pull is in flight: {len(grown)} layers are on their way, the last grew at {show(max(grown))}",
    )


def _grown(host: Host) -> Iterator[tuple[float, float]]:
    """When each download file last grew, and for how long that counts."""
    for folder in store_folders(host):
        for kind in KINDS:
            for path in Path(folder).glob(kind.pattern):
                try:
                    yield path.stat().st_mtime, kind.lasts
                except FileNotFoundError:
                    continue  # this layer is complete
