"""Faults in the history file itself, between the run and the verdict."""

from pathlib import Path

from ccci_host.faults.fault import Fault
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict


class SpoiltHistory(Fault):
    """Harms the history of a run in which nothing else went wrong."""

    task = "verify-pc2"
    expected = Verdict.UNKNOWN
    check = "run-complete"
    because = "The history file is not whole"

    def __init__(self) -> None:
        self._content = b""
        self._spoilt = False

    def inject(self, machine: Machine) -> None:  # noqa: ARG002
        """The host is left alone."""
        self._spoilt = True

    def is_present(self, machine: Machine) -> bool:  # noqa: ARG002
        """Whether the history is going to be spoilt."""
        return self._spoilt

    def revert(self, machine: Machine) -> None:  # noqa: ARG002
        """Nothing was added to the host."""
        self._spoilt = False

    def spoil(self, history: Path) -> None:
        """Write the spoilt file; raises `AssertionError` where that changes nothing."""
        content = history.read_bytes()
        spoilt = self.spoilt(content)
        assert spoilt != content  # noqa: S101 - else it does not bite
        history.write_bytes(spoilt)

    def spoilt(self, content: bytes) -> bytes:
        """The file as it is to be."""
        raise NotImplementedError
