"""Faults on a real host of the lab: some of the matrix that `invoke verify --faults` makes whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.errors import RefusedError
from ccci_host.experiments import stacks
from ccci_host.experiments.lease import holders
from ccci_host.faults import all_faults
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.verify_faults import chosen, try_faults
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

SOME = ("teardown-forgets-volume", "pat-readable", "prune-f")
"""One for each of PC1, PC2 and PC3: a bug in the deployer, a file's mode, and the incident."""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with (
        own_instance("faults", data_gb=1.0) as config,
        open_machine("faults", config.host["faults"]) as reached,
    ):
        yield reached


def test_some_faults_are_answered_for_and_leave_no_trace(machine: Machine, tmp_path: Path) -> None:
    faults = chosen(all_faults("ccci_host.lab.faults"), SOME)
    rows = try_faults(machine, faults, root=tmp_path)
    assert {row.name: row.why for row in rows if not row.as_expected} == {}
    assert [row.name for row in rows] == list(SOME)
    assert {path.name.split("-", 1)[1] for path in tmp_path.iterdir()} == set(SOME)
    left = stacks.look(machine)
    assert (left.own, left.strangers) == ((), ())
    assert holders(machine) == ()


def test_a_host_that_is_not_disposable_is_left_alone(machine: Machine, tmp_path: Path) -> None:
    machine.config = machine.config.model_copy(update={"disposable": False})
    with pytest.raises(RefusedError, match="No fault is injected"):
        try_faults(machine, chosen(all_faults(), ["prune-f"]), root=tmp_path)
    assert list(tmp_path.iterdir()) == []
