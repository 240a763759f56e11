"""Experiments do things to a host and write what they see into a history. They judge nothing.

EXPERIMENTS["verify-pc3"](machine, journal, Options(task="verify-pc3", recipe="small"))
"""

from collections.abc import Callable

from ccci_host.experiments.options import Options, PauseBefore
from ccci_host.experiments.pc1 import verify_pc1
from ccci_host.experiments.pc2 import verify_pc2
from ccci_host.experiments.redeploy import reboot_and_redeploy, verify_pc3
from ccci_host.journal import Journal
from ccci_host.transport.machine import Machine

Experiment = Callable[[Machine, Journal, Options], None]

EXPERIMENTS: dict[str, Experiment] = {
    "verify-pc1": verify_pc1,
    "verify-pc2": verify_pc2,
    "verify-pc3": verify_pc3,
    "reboot-and-redeploy": reboot_and_redeploy,
}
"""By the name of the task that runs them."""

__all__ = ["EXPERIMENTS", "Experiment", "Options", "PauseBefore"]
