"""A drop-in of the agent's service: written, seen as systemd sees it, and taken back."""

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
        self.executor = FakeExecutor(
            {
                "install -D": self._install,
                "systemctl daemon-reload": self._reload,
                "systemctl show --property=ExecStart --value ccci-prune.service": self._show,
                "test -e": lambda argv, _: completed(exit_code=0 if argv[2] in self.files else 1),
                "rm": self._remove,
                "rmdir --ignore-fail-on-non-empty /etc/systemd/system/ccci-prune.service.d": completed(),
            }
        )

    def _install(self, argv: tuple[str, ...], content: bytes) -> Completed:
        self.files[argv[-1]] = content
        return completed()

    def _reload(self, _: tuple[str, ...], __: bytes) -> Completed:
        self.read = dict(self.files)
        return completed()

    def _show(self, _: tuple[str, ...], __: bytes) -> Completed:
        altered = b"ExecStart=\nExecStart=/usr/local/bin/ccci-prune observe\n" in self.read.get(PATH, b"")
        return completed(BUILT.replace("sweep", "observe") if altered else BUILT)

    def _remove(self, argv: tuple[str, ...], _: bytes) -> Completed:
        del self.files[argv[1]]
        return completed()


def test_it_is_there_within_and_gone_after() -> None:
    systemd = Systemd()
    machine = fake_machine(systemd.executor, host_table(disposable=True))
    with injected(FAULT, machine):
        assert list(systemd.read) == [PATH]
        assert systemd.read[PATH].startswith(b"[Service]\n")
    assert systemd.files == systemd.read == {}


def test_what_was_never_written_is_not_taken_back() -> None:
    systemd = Systemd()
    FAULT.revert(fake_machine(systemd.executor))
    assert [argv[0] for argv, _ in systemd.executor.runs] == ["test"]
