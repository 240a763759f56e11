"""A machine is opened when it runs, by SSH where there is a table for it, and closed whole."""

from pathlib import Path
from typing import Any

import paramiko
import pytest

from ccci_host.config import HostTable
from ccci_host.errors import ConfigError, NotFoundError, UnreachableError
from ccci_host.transport.incus_exec import IncusExecutor
from ccci_host.transport.opening import open_machine
from ccci_host.transport.ssh import SshExecutor
from tests.unit.transport.incus_stub import Answer, incus, refused, sync


def script(status: str = "Running") -> dict[str, Answer]:
    return {
        "GET /1.0/instances/ci": sync({"name": "ci", "type": "container"}),
        "GET /1.0/instances/ci/state": sync({"status": status}),
    }


def table(folder: Path, **changes: Any) -> HostTable:
    return HostTable.model_validate(
        {
            "incus": {"endpoint": str(folder / "unix.socket"), "instance": "ci", "project": "p"},
            "hub": {"account": "a", "pat": {"env": "P"}},
            **changes,
        }
    )


def test_without_an_ssh_table_commands_go_through_incus(tmp_path: Path) -> None:
    with incus(tmp_path, script()), open_machine("host", table(tmp_path)) as machine:
        assert machine.name == "host"
        assert machine.instance.kind == "container"
        assert isinstance(machine.executor, IncusExecutor)


def test_with_one_they_go_over_ssh_once_the_first_is_run(tmp_path: Path) -> None:
    key = tmp_path / "key"
    paramiko.ECDSAKey.generate().write_private_key_file(key)
    nowhere = {"key": str(key), "address": "127.0.0.1", "port": 1}
    with incus(tmp_path, script()), open_machine("host", table(tmp_path, ssh=nowhere)) as machine:
        assert isinstance(machine.executor, SshExecutor)
        assert "over SSH" in machine.executor.where
        with pytest.raises(UnreachableError, match="Nothing answers to SSH"):
            machine.executor.run(["true"])


def test_one_that_does_not_run_or_is_not_there_is_not_opened(tmp_path: Path) -> None:
    with incus(tmp_path, script("Stopped")), pytest.raises(UnreachableError, match="it is stopped"):
        open_machine("host", table(tmp_path))
    (tmp_path / "unix.socket").unlink()
    missing: dict[str, Answer] = {
        "GET /1.0/instances/ci": refused("Instance not found", 404),
        "GET /1.0/projects": sync([{"name": "p"}]),
        "GET /1.0/instances": sync([]),
    }
    with incus(tmp_path, missing), pytest.raises(NotFoundError, match="There is no instance 'ci'"):
        open_machine("host", table(tmp_path))


def test_an_unfit_key_is_told_at_once(tmp_path: Path) -> None:
    with incus(tmp_path, script()), pytest.raises(ConfigError, match="cannot be read"):
        open_machine("host", table(tmp_path, ssh={"key": str(tmp_path / "missing")}))


def test_it_is_closed_twice_without_harm(tmp_path: Path) -> None:
    with incus(tmp_path, script()):
        machine = open_machine("host", table(tmp_path))
        machine.close()
        machine.close()
