"""A machine around a fake executor."""

from pathlib import Path
from typing import Any, cast

from ccci_host.config import HostTable
from ccci_host.transport.executor import Executor
from ccci_host.transport.machine import Instance, Machine


def host_table(**tables: Any) -> HostTable:
    """A host's table; `pat` is where its PAT comes from."""
    pat = tables.pop("pat", {"env": "CCCI_TEST_PAT"})
    raw = {
        "incus": {"endpoint": "/incus/unix.socket", "instance": "ci"},
        "hub": {"account": "me", "pat": pat},
        **tables,
    }
    return HostTable.model_validate(raw)


class FakeInstance:
    """An instance of which nothing but a way in is asked."""

    where = "the fake instance"

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def executor(self) -> Executor:
        return self._executor


def fake_machine(
    executor: Executor, table: HostTable | None = None, *, through_incus: Executor | None = None
) -> Machine:
    """The host `ci`, whose commands `executor` answers; `through_incus` answers those that Incus carries."""
    instance = cast(Instance, FakeInstance(through_incus or executor))
    return Machine("ci", table or host_table(), instance, executor)


def key_file(folder: Path) -> Path:
    """A new SSH key."""
    import paramiko

    path = folder / "id_rsa"
    paramiko.RSAKey.generate(1024).write_private_key_file(str(path))
    return path
