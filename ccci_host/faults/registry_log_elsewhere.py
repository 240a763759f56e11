"""A registry log that nobody writes any more: the registry keeps it elsewhere by now."""

from pathlib import Path

from ccci_host.config import HostTable
from ccci_host.faults.altered_configuration import AlteredConfiguration
from ccci_host.verdict import Verdict


class RegistryLogElsewhere(AlteredConfiguration):
    """The configuration names a log that is there and stays empty: a witness who sees nothing, ever."""

    name = "registry-log-elsewhere"
    task = "verify-pc3"
    expected = Verdict.UNKNOWN
    check = "eviction-seen"

    def altered(self, config: HostTable) -> HostTable:
        """With the log of nobody."""
        registry = config.registry
        elsewhere = registry.model_copy(update={"access_log": Path("/dev/null")}) if registry else None
        return config.model_copy(update={"registry": elsewhere})


FAULT = RegistryLogElsewhere()
