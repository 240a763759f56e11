"""A cron line that prunes: set up by somebody years ago, and forgotten."""

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine

PATH = "/etc/cron.d/ccci-fault-prune"
LINE = "17 4 * * * root docker image prune -f --filter until=24h\n"


class CronPrune(Fault):
    """The usual cure, which repeats the incident (facts 2 and 3)."""

    name = "cron-prune"
    task = "verify-pc1"
    check = "no-competing-pruner"

    def inject(self, machine: Machine) -> None:
        """Put the line where cron finds it."""
        machine.executor.run(
            ["install", "-D", "--mode=0644", "/dev/stdin", PATH], input=LINE.encode()
        ).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether the line stands there."""
        return machine.executor.run(["cat", PATH]).stdout == LINE.encode()

    def revert(self, machine: Machine) -> None:
        """Take the file away."""
        machine.executor.run(["rm", "--force", PATH]).check()


FAULT = CronPrune()
