"""A reboot that did not happen: whoever was asked for it says yes, and does nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Instance, Machine
from ccci_host.verdict import Verdict


class RebootIgnored(Fault):
    """The request for a restart gets lost on its way to Incus."""

    name = "reboot-ignored"
    task = "reboot-and-redeploy"
    point = ("before", "reboot")
    expected = Verdict.UNKNOWN
    check = "reboot-happened"

    def __init__(self) -> None:
        self.active = False
        self.asked = 0

    @contextmanager
    def around(self, machine: Machine) -> Iterator[Machine]:
        """The machine with an instance that can be deaf."""
        self.asked = 0
        yield replace(machine, instance=cast(Instance, _Deaf(machine.instance, self)))

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """From now on it is."""
        self.active = True

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether it is; that it was asked, `bit` says."""
        return self.active

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """It hears again."""
        self.active = False

    def bit(self) -> bool:
        """Whether a restart was asked for in vain."""
        return self.asked > 0


class _Deaf:
    """An instance that is the real one in all but restarts."""

    def __init__(self, inner: Instance, fault: RebootIgnored) -> None:
        self._inner = inner
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def request_restart(self, *, force: bool, timeout: float) -> None:
        """Lose the request while the fault is there."""
        if self._fault.active:
            self._fault.asked += 1
        else:
            self._inner.request_restart(force=force, timeout=timeout)


FAULT = RebootIgnored()
