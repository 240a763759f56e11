"""A host of the virtual-machine kind, where one is to be had.

`CCCI_VM_CONFIG` names a `ccci.toml` whose only (or default) host is an Incus virtual machine that is
`disposable` and pulls from the lab's stand-in. Without it these tests are not run, and prove nothing.
"""

import os
from pathlib import Path

import pytest

from ccci_host import config
from ccci_host.config import HostTable
from ccci_host.experiments.options import Options
from ccci_host.provision import provision
from ccci_host.transport import open_machine
from ccci_host.verdict import Verdict
from ccci_host.verify import verify

VARIABLE = "CCCI_VM_CONFIG"
BOOT_SECONDS = 900.0
"""An emulated machine boots in minutes."""

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(VARIABLE not in os.environ, reason=f"not run: {VARIABLE} names no virtual machine"),
]


@pytest.fixture(scope="module")
def host() -> tuple[str, HostTable]:
    return config.load(Path(os.environ[VARIABLE])).select(None)


def test_it_is_provisioned_and_then_has_nothing_to_do(host: tuple[str, HostTable]) -> None:
    with open_machine(*host) as machine:
        assert machine.instance.kind == "virtual-machine"
        provision(machine)
        assert not provision(machine).changed


@pytest.mark.parametrize("task", ["verify-pc3", "reboot-and-redeploy"])
def test_its_layers_come_from_the_local_store(host: tuple[str, HostTable], task: str, tmp_path: Path) -> None:
    with open_machine(*host) as machine:
        outcome = verify(machine, Options(task=task, boot_timeout=BOOT_SECONDS), root=tmp_path)
    assert outcome.verdict is Verdict.PASS, outcome.lines()
