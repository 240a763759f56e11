"""Instances of the lab for live tests: made on demand, one a name, removed by whoever made them."""

from collections.abc import Iterator
from contextlib import contextmanager

from ccci_host import config
from ccci_host.config import Config
from ccci_host.lab import Lab


@contextmanager
def own_instance(name: str, *, store: str = "classic", data_gb: float = 1.0) -> Iterator[Config]:
    """The hosts `name` (unix socket, commands through Incus) and `name-remote` (HTTPS, SSH), configured.

    The instance is this caller's alone, so that it may be rebooted, frozen and filled. The pull budget, which
    all instances share, is full.
    """
    lab = Lab.default()
    lab.instance(store, name=name, data_gb=data_gb)
    lab.hub.control.mend()
    try:
        yield config.load(lab.config_path)
    finally:
        lab.remove(name)
