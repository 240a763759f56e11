"""Instances of the lab for live tests: made on demand, one a name, removed by whoever made them.

`CCCI_SUITE` says of which Debian release, and so with which engine: bookworm has Docker 20.10, forky one that
is newer than the usual.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ccci_host import config
from ccci_host.config import Config
from ccci_host.lab import Lab
from ccci_host.lab.image import SUITE as USUAL_SUITE

SUITE = os.environ.get("CCCI_SUITE", USUAL_SUITE)


@contextmanager
def own_instance(name: str, *, store: str = "classic", data_gb: float = 1.0) -> Iterator[Config]:
    """The hosts `name` (unix socket, commands through Incus) and `name-remote` (HTTPS, SSH), configured.

    The instance is this caller's alone, so that it may be rebooted, frozen and filled. The pull budget, which
    all instances share, is full.
    """
    lab = Lab.default()
    lab.instance(store, name=name, data_gb=data_gb, suite=SUITE, anew=True)
    lab.hub.control.mend()
    try:
        yield config.load(lab.config_path)
    finally:
        lab.remove(name)
