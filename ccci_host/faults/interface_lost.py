"""Interface counters missing: Incus cannot tell which interface is the instance's."""

from ccci_host.errors import CcciError
from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class InterfaceLost(Fault):
    """Gives the interface another hardware address from inside, so that the counters are nobody's.

    The instance's own address is not to be had then either, and with it goes the registry's log: of the three
    witnesses only the layer store is left.
    """

    name = "interface-counters-missing"
    task = "verify-pc3"
    point = ("before", "redeploy")
    until = ("before", "final-teardown")
    expected = Verdict.UNKNOWN
    check = "layers-from-local-store"
    because = "no witness outside the daemon"

    def __init__(self) -> None:
        self._before: tuple[str, str] | None = None

    def inject(self, machine: Machine) -> None:
        """Change one bit of it."""
        device = machine.executor.run(["sh", "-c", "ip -o -4 route show default | sed 's/.* dev //;s/ .*//'"])
        name = device.check().text.split()[0]
        address = machine.executor.run(["cat", f"/sys/class/net/{name}/address"]).check().text
        self._before = (name, address)
        other = f"{address[:-1]}{int(address[-1], 16) ^ 1:x}"
        machine.executor.run(["ip", "link", "set", name, "address", other]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether Incus tells no counter."""
        try:
            machine.instance.bytes_received()
        except CcciError:
            return True
        return False

    def revert(self, machine: Machine) -> None:
        """Give it its own address again."""
        if self._before:
            name, address = self._before
            machine.executor.run(["ip", "link", "set", name, "address", address]).check()
            self._before = None


FAULT = InterfaceLost()
