"""Downloads of layers under way, which no API lists: the files that they grow in.

The classic store downloads into `DockerRootDir/tmp/GetImageBlob*` and removes the file once the layer is
registered; dockerd empties that folder when it starts. containerd downloads into the `ingest` folder of its
content store, and leaves what was cut off there: only a file that grew lately is a download.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from .clock import show
from .host import Host
from .pressure import store_folders

LATELY = 60.0
"""Seconds since a download file last grew for which it counts as under way."""

INGEST = "io.containerd.content.v1.content/ingest"


def under_way(host: Host, now: Optional[float] = None) -> tuple[str, ...]:
    """The downloads under way, in words. Raises `UnreadableError` when the store's place cannot be told."""
    now = time.time() if now is None else now
    grown = [moment for moment in _grown(host) if abs(now - moment) < LATELY]
    if not grown:
        return ()
    return (f"a pull is in flight: {len(grown)} layers are downloading, the last grew at {show(max(grown))}",)


def _grown(host: Host) -> Iterator[float]:
    for folder in store_folders(host):
        for path in (*Path(folder).glob("tmp/GetImageBlob*"), *Path(folder).glob(f"{INGEST}/*/data")):
            try:
                yield path.stat().st_mtime
            except FileNotFoundError:
                continue  # this layer is complete
