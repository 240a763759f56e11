"""SSH cut in the middle of the redeploy, where commands go through it: the next one connects anew."""

from collections.abc import Iterator
from contextlib import contextmanager

from ccci_host import config
from ccci_host.lab.faults.hub_fault import HubFault
from ccci_host.lab.lab import Lab
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict

_SESSIONS = ("pgrep", "--full", "^sshd(-session)?: root@notty")


class SshCut(HubFault):
    """Ends every SSH session of the host once; the run goes by SSH, and the fault by Incus."""

    name = "ssh-cut"
    task = "verify-pc3"
    point = ("amid", "redeploy")
    expected = Verdict.PASS
    check = "layers-from-local-store"

    def __init__(self) -> None:
        super().__init__()
        self._before: set[str] = set()

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """The same host by its other door."""
        name = f"{machine.name}-remote"
        with (
            super().around(machine),
            open_machine(*config.load(Lab.default().config_path).select(name)) as seen,
        ):
            yield seen

    def inject(self, machine: Machine) -> None:
        """End them."""
        self._before = set(machine.executor.run(_SESSIONS).check().text.split())
        machine.executor.run(["kill", "-KILL", *self._before]).check()

    def is_present(self, machine: Machine) -> bool:
        """Whether the sessions of before are gone."""
        now = set(machine.executor.run(_SESSIONS).text.split())
        return bool(self._before) and not self._before & now

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added; whoever wants in again comes in."""
        self._before = set()


FAULT = SshCut()
