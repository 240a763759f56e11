"""Whether it was another boot, and what came back."""

from typing import Any

import pytest

from ccci_host.records import BackSeen, BootSeen, RebootDone
from ccci_host.verdict import Verdict
from tests.histories import TOKEN, boot, changed, good, without
from tests.unit.checks.cases import finding

TASK = "reboot-and-redeploy"
HAPPENED = "reboot-happened"
BACK = "came-back"


def after(**changes: Any) -> tuple[Verdict | None, str]:
    found = finding(HAPPENED, changed(good(TASK), BootSeen, changes, moment="rebooted"))
    return found.verdict, found.reason


def test_another_boot_is_proven_outside_and_inside() -> None:
    found = finding(HAPPENED, good(TASK))
    assert found.verdict is Verdict.PASS
    assert found.reason == "The machine was restarted gracefully, was seen down, and is another boot."
    assert len(found.details) == 4


def test_a_forced_stop_is_told_apart() -> None:
    found = finding(HAPPENED, changed(good(TASK), RebootDone, {"forced": True}))
    assert "by a forced stop" in found.reason


SAME = boot("torn-down", 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"started_at": SAME.started_at}, "Incus' start time is unchanged"),
        ({"systemd_started": SAME.systemd_started}, "systemd's start time is unchanged"),
        ({"init_started": SAME.init_started}, "PID 1 is the one from before"),
        ({"init_started": (SAME.init_started or 0) + 0.5}, "PID 1 is the one from before"),
        ({"init_started": (SAME.init_started or 0) - 0.5}, "PID 1 is the one from before"),
        ({"token": TOKEN}, "the token in tmpfs is still there"),
        ({"started_at": None}, "Incus' start time could not be read"),
        ({"systemd_started": None}, "systemd's start time could not be read"),
        ({"init_started": None}, "the start of PID 1 could not be read"),
        (
            {"inside_problem": "no answer"},
            "the token in tmpfs was not seen before, or could not be looked for",
        ),
    ],
)
def test_a_reboot_that_is_not_proven_is_unknown(change: dict[str, Any], told: str) -> None:
    verdict, reason = after(**change)
    assert verdict is Verdict.UNKNOWN
    assert told in reason


def test_clocks_drift_less_than_a_boot_takes() -> None:
    assert after(init_started=(SAME.init_started or 0) + 0.6)[0] is Verdict.PASS


def test_a_token_that_was_never_planted_proves_nothing() -> None:
    history = changed(good(TASK), BootSeen, {"token": None}, moment="torn-down")
    assert finding(HAPPENED, history).verdict is Verdict.UNKNOWN


def test_a_machine_that_was_never_seen_down_is_unknown() -> None:
    found = finding(HAPPENED, changed(good(TASK), RebootDone, {"seen_down": False}))
    assert found.verdict is Verdict.UNKNOWN
    assert "never seen down" in found.reason


@pytest.mark.parametrize("kind", [RebootDone, BootSeen])
def test_without_its_records_a_reboot_is_unknown(kind: Any) -> None:
    assert finding(HAPPENED, without(good(TASK), kind)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("change", "told"),
    [({"daemon": False}, "dockerd"), ({"swarm_manager": False}, "the swarm manager")],
)
def test_what_did_not_come_back_fails(change: dict[str, Any], told: str) -> None:
    found = finding(BACK, changed(good(TASK), BackSeen, change))
    assert found.verdict is Verdict.FAIL
    assert found.reason == f"Not back after the boot: {told}."


@pytest.mark.parametrize("change", [{"daemon": None}, {"swarm_manager": None, "problem": "no answer"}])
def test_what_nobody_could_ask_is_unknown(change: dict[str, Any]) -> None:
    assert finding(BACK, changed(good(TASK), BackSeen, change)).verdict is Verdict.UNKNOWN


def test_nobody_looked() -> None:
    assert finding(BACK, without(good(TASK), BackSeen)).verdict is Verdict.UNKNOWN
