"""Tags that nobody resolves: a service whose spec reads the same runs on, whatever its tag means by now."""

from ccci_host.faults.by_tag import ByTag


class NeverResolved(ByTag):
    """The deployer says `--resolve-image never`, through the controls as well."""

    name = "never-resolved"
    task = "verify-pc3"
    check = "moved-tag-pulled"


FAULT = NeverResolved()
