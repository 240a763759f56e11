"""What is counted: the disk from outside, requests by the registry's log, images as the daemon lists them."""

import os
import threading
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Self

from ccci_host.records import RegistryRequest

SAMPLING = 0.25
"""Seconds between two looks at the disk."""


class DiskWatch:
    """Looks at a mounted file system all the time, for its peak. A context manager."""

    def __init__(self, mount_point: Path) -> None:
        self._mount_point = mount_point
        self._peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def used_percent(self) -> float:
        """How full it is now, as `df` counts."""
        seen = os.statvfs(self._mount_point)
        used = seen.f_blocks - seen.f_bfree
        percent = 100 * used / (used + seen.f_bavail)
        self._peak = max(self._peak, percent)
        return percent

    def take_peak(self) -> float:
        """How full it was at most since this was last asked."""
        peak, self._peak = max(self._peak, self.used_percent()), 0.0
        return peak

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLING):
            self.used_percent()


class Traffic:
    """Requests of a whole campaign, told night by night."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def again(self, requests: Iterable[RegistryRequest]) -> int:
        """Bytes of layers among `requests` that had been downloaded before."""
        total = 0
        for request in requests:
            if request.is_layer_download and request.digest:
                total += request.bytes if request.digest in self._seen else 0
                self._seen.add(request.digest)
        return total


def manifest_gets(requests: Iterable[RegistryRequest]) -> int:
    """Manifests that were served, and that Docker Hub counts."""
    return sum(request.costs_quota and request.status != 429 for request in requests)


def refused(requests: Iterable[RegistryRequest]) -> int:
    """Requests that were answered by 429."""
    return sum(request.status == 429 for request in requests)


def used_again(
    evicted: Sequence[tuple[int, str]], uses: Mapping[int, Set[str]]
) -> tuple[tuple[int, str], ...]:
    """Those of `evicted`, (night, digest), that a later night was to use; `uses` are the digests of each."""
    return tuple(
        (night, digest)
        for night, digest in evicted
        if any(digest in digests for later, digests in uses.items() if later > night)
    )
