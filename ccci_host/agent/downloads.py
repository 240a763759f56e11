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

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from .clock import HOUR, show
from .gates import Download
from .host import Host
from .pressure import store_folders
from .problem import UnreadableError


class _Kind(NamedTuple):
    """Download files of one store."""

    folder: str
    begins: str
    """What the names in the folder begin with that belong to a download."""
    file: str
    """The file below such a name; empty where the name is that of the file."""
    lasts: float
    """For how many seconds after it last grew it shows a pull."""


KINDS = (
    _Kind("tmp", "GetImageBlob", "", HOUR),  # so that a pull that hangs does not stop retention for ever
    _Kind("io.containerd.content.v1.content/ingest", "", "data", 60.0),
)


def under_way(host: Host, now: Optional[float] = None) -> tuple[Download, ...]:
    """The pulls under way, as one. Raises `UnreadableError` when they cannot be told."""
    now = time.time() if now is None else now
    grown = [(moment, lasts) for moment, lasts in _grown(host) if abs(now - moment) < lasts]
    if not grown:
        return ()
    last = show(max(moment for moment, _ in grown))
    return (
        Download(
            f"a pull is in flight: {len(grown)} layers are on their way, the last grew at {last}",
            max(moment + lasts for moment, lasts in grown),
        ),
    )


def _grown(host: Host) -> Iterator[tuple[float, float]]:
    """When each download file last grew, and for how long that counts."""
    for folder in store_folders(host):
        for kind in KINDS:
            for path in _files(Path(folder) / kind.folder, kind):
                try:
                    yield path.stat().st_mtime, kind.lasts
                except (FileNotFoundError, NotADirectoryError):
                    continue  # this layer is complete
                except OSError as error:
                    raise UnreadableError(f"downloads: {path} cannot be looked at ({error})") from None


def _files(folder: Path, kind: _Kind) -> list[Path]:
    """Where there may be a download file; globbing would pass over in silence what may not be listed."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableError(f"downloads: {folder} cannot be listed ({error})") from None
    return [folder / name / kind.file for name in names if name.startswith(kind.begins)]
