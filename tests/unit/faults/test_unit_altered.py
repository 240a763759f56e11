"""A drop-in of the agent's service: written, seen as systemd sees it, and taken back."""

import pytest

from ccci_host.faults import injected
from ccci_host.faults.unit_altered import FAULT
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table

PATH = "/etc/systemd/system/ccci-prune.service.d/ccci-fault.conf"
BUILT = "{ path=/usr/local/bin/ccci-prune ; argv[]=/usr/local/bin/ccci-prune sweep ; ignore_errors=no }"


class Systemd:
    """Knows of files what it read at the last reload."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.read: dict[str, bytes] = {}
        self.folder = False
        self.executor = FakeExecutor(
            {
                "install -D": self._install,
                "systemctl daemon-reload": self._reload,
                "systemctl show --property=ExecStart --value ccci-prune.service": self._show,
                "test -d": lambda argv, _: completed(exit_code=0 if self.folder else 1),
                "rm --force": self._remove,
                "rmdir --ignore-fail-on-non-empty /etc/systemd/system/ccci-prune.service.d": completed(),
            }
        )

    def _install(self, argv: tuple[str, ...], content: bytes) -> Completed:
        self.files[argv[-1]], self.folder = content, True
        return completed()

    def _reload(self, _: tuple[str, ...], __: bytes) -> Completed:
        self.read = dict(self.files)
        return completed()

    def _show(self, _: tuple[str, ...], __: bytes) -> Completed:
        altered = b"ExecStart=\nExecStart=/usr/local/bin/ccci-prune observe\n" in self.read.get(PATH, b"")
        return completed(BUILT.replace("sweep", "observe") if altered else BUILT)

    def _remove(self, argv: tuple[str, ...], _: bytes) -> Completed:
        self.files.pop(argv[-1], None)
        return completed()


def test_it_is_there_within_and_gone_after() -> None:
    systemd = Systemd()
    machine = fake_machine(systemd.executor, host_table(disposable=True))
    with injected(FAULT, machine):
        assert list(systemd.read) == [PATH]
        assert systemd.read[PATH].startswith(b"[Service]\n")
    assert systemd.files == systemd.read == {}


@pytest.mark.parametrize(
    "cut_off_after", ["nothing was written", "the file was written", "the file was removed"]
)
def test_what_was_cut_off_is_taken_back_all_the_same(cut_off_after: str) -> None:
    systemd = Systemd()
    machine = fake_machine(systemd.executor, host_table(disposable=True))
    if cut_off_after != "nothing was written":
        FAULT.inject(machine)
    if cut_off_after == "the file was removed":
        systemd.files.clear()
    FAULT.revert(machine)
    assert systemd.files == systemd.read == {}
