"""The timer after the boot has bitten when the agent's run met the lease, and not when it only ran."""

import json
from typing import Any

import pytest

from ccci_host.agent import paths
from ccci_host.faults.after_boot_timer import AfterBootTimer
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine

LEASE = {"no-pressure": {"reason": "…"}, "lease": {"reason": "held by ccci-host"}}


@pytest.mark.parametrize(
    ("decided", "last", "bitten"),
    [
        (("12:00", "12:01"), {"gates": LEASE}, True),
        (("", "12:01"), {"gates": LEASE}, True),
        (("12:00", "12:01"), {"gates": {"no-pressure": {"reason": "…"}}}, False),
        (("12:00", "12:00"), {"gates": LEASE}, False),
        (("12:00", "12:01"), {"unreadable": "no JSON"}, False),
    ],
    ids=["met", "the first tick met it", "no lease", "another tick was under way", "unreadable"],
)
def test_the_run_met_the_lease(decided: tuple[str, str], last: dict[str, Any], bitten: bool) -> None:
    times = list(decided)

    def stat(*_: object) -> Completed:
        time = times.pop(0)
        return completed(time, exit_code=0 if time else 1)

    executor = FakeExecutor(
        {
            "stat": stat,
            f"systemctl start {paths.SERVICE}": completed(),
            f"{paths.ARCHIVE} status --json": completed(json.dumps({"last": last})),
        }
    )
    fault, machine = AfterBootTimer(), fake_machine(executor)
    assert not fault.is_present(machine)
    fault.inject(machine)
    assert fault.is_present(machine) is bitten
    fault.revert(machine)
    assert not fault.is_present(machine)
