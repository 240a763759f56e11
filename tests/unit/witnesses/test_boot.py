"""Boot evidence: what changes with a boot in a container and in a virtual machine alike."""

from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.witnesses import boot

INIT = b"1 (systemd (odd) name) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 7250 99 1\n"
KERNEL = b"cpu 1 2 3\nbtime 1700000000\nprocesses 5\n"


def answers(**given: Answer) -> Answers:
    usual: dict[str, Answer] = {
        "init": Present(INIT),
        "kernel": Present(KERNEL),
        "boot_id": Present(b"an-id\n"),
        "token": Absent(),
        "systemd": Present(b"Wed 2026-11-25 02:57:10 UTC\n"),
        "ticks": Present(b"100\n"),
        **given,
    }
    probes: dict[str, Any] = {
        "init": boot._INIT,
        "kernel": boot._KERNEL,
        "boot_id": boot._BOOT_ID,
        "token": boot._TOKEN,
        "systemd": boot._SYSTEMD,
        "ticks": boot._TICKS,
    }
    return Answers({probes[name]: answer for name, answer in usual.items()})


def test_the_start_of_the_first_process_is_counted_from_the_kernels_boot() -> None:
    seen = boot.parse(answers())
    assert seen["init_started"] == 1700000072.5
    assert seen["systemd_started"] == "Wed 2026-11-25 02:57:10 UTC"
    assert seen["boot_id"] == "an-id"
    assert seen["inside_problem"] is None


def test_a_token_that_is_gone_is_no_problem_and_one_that_cannot_be_read_is() -> None:
    assert boot.parse(answers())["token"] is None
    assert boot.parse(answers(token=Present(b"word")))["token"] == "word"
    seen = boot.parse(answers(token=Unreadable("permission denied")))
    assert (seen["token"], seen["inside_problem"]) == (None, "token: permission denied")


@pytest.mark.parametrize("missing", ["init", "systemd"])
def test_what_cannot_be_read_is_a_problem(missing: str) -> None:
    assert "permission denied" in str(
        boot.parse(answers(**{missing: Unreadable("permission denied")}))["inside_problem"]
    )


@pytest.mark.parametrize(
    "given", [{"init": Present(b"1 (x) S 0")}, {"kernel": Present(b"cpu 1\n")}, {"kernel": Absent()}]
)
def test_a_start_that_the_kernel_does_not_tell_is_unknown(given: dict[str, Answer]) -> None:
    assert boot.parse(answers(**given))["init_started"] is None
