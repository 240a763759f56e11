"""What a person reads of the checks of a reboot and of the run itself, word for word."""

import pytest

from ccci_host.records import (
    BackSeen,
    BootSeen,
    Finished,
    History,
    PhaseEnded,
    RebootDone,
    Started,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    TOKEN,
    changed,
    without,
)
from tests.unit.checks.cases import ASKED, said
from tests.unit.checks.spoilt import (
    AGAIN,
    PC3,
    SAME,
    interrupted,
)

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL

ANOTHER_RUN = "Run the task again; the report says which witness is missing."
MEND = "Mend what the reason names, and run again."
HELD_UP = "Restart the instance through Incus by hand, and see why it does not go down."
SERVICES_BACK = "On the host: `systemctl enable --now docker`, then `docker node ls`."
OUTSIDE_BOOT = "Incus' start time: 2026-03-01T12:02:00Z before, 2026-03-01T12:03:00Z after"
INSIDE_BOOT = "systemd's start time: Sun 2026-03-01 12:02:01 UTC before, Sun 2026-03-01 12:03:01 UTC after"
FIRST_PROCESS = "PID 1 started 60.0 s later than the one before"
NO_TOKEN = "the token in tmpfs is gone"


@pytest.mark.parametrize(
    ASKED,
    [
        (
            AGAIN,
            PASS,
            (
                "dockerd and the swarm manager were back 4.2 s after the restart was asked for; "
                "systemd says running."
            ),
            "",
            (),
        ),
        (
            changed(without(AGAIN, RebootDone), BackSeen, {"system": ""}),
            PASS,
            "dockerd and the swarm manager were back; systemd says nothing.",
            "",
            (),
        ),
        (
            changed(AGAIN, BackSeen, {"daemon": False, "swarm_manager": False, "problem": "inactive"}),
            FAIL,
            "Not back after the boot: dockerd and the swarm manager.",
            SERVICES_BACK,
            ("inactive",),
        ),
        (
            changed(AGAIN, BackSeen, {"swarm_manager": False}),
            FAIL,
            "Not back after the boot: the swarm manager.",
            SERVICES_BACK,
            (),
        ),
        (
            changed(AGAIN, BackSeen, {"daemon": None, "problem": "timed out"}),
            UNKNOWN,
            "What came back after the boot is not known: timed out.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(AGAIN, BackSeen, {"swarm_manager": None}),
            UNKNOWN,
            "What came back after the boot is not known: no answer.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(AGAIN, BackSeen),
            UNKNOWN,
            "What came back after the boot was not looked at.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_came_back(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("came-back", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            AGAIN,
            PASS,
            "The machine was restarted gracefully, was seen down, and is another boot.",
            "",
            (
                OUTSIDE_BOOT,
                INSIDE_BOOT,
                FIRST_PROCESS,
                NO_TOKEN,
            ),
        ),
        (
            changed(AGAIN, RebootDone, {"forced": True}),
            PASS,
            "The machine was restarted by a forced stop, was seen down, and is another boot.",
            "",
            (
                OUTSIDE_BOOT,
                INSIDE_BOOT,
                FIRST_PROCESS,
                NO_TOKEN,
            ),
        ),
        (
            changed(AGAIN, RebootDone, {"seen_down": False}),
            UNKNOWN,
            "The reboot is not proven: the machine was never seen down.",
            "Run again.",
            (
                OUTSIDE_BOOT,
                INSIDE_BOOT,
                FIRST_PROCESS,
                NO_TOKEN,
            ),
        ),
        (
            changed(AGAIN, RebootDone, {"problem": "it hangs"}),
            UNKNOWN,
            "The reboot is not proven: it hangs.",
            "Run again.",
            (
                OUTSIDE_BOOT,
                INSIDE_BOOT,
                FIRST_PROCESS,
                NO_TOKEN,
            ),
        ),
        (
            changed(
                AGAIN,
                BootSeen,
                {
                    "started_at": SAME.started_at,
                    "init_started": SAME.init_started,
                    "systemd_started": SAME.systemd_started,
                    "token": TOKEN,
                },
                moment="rebooted",
            ),
            UNKNOWN,
            (
                "The reboot is not proven: Incus' start time is unchanged (2026-03-01T12:02:00Z); "
                "systemd's start time is unchanged (Sun 2026-03-01 12:02:01 UTC); PID 1 is the one "
                "from before; the token in tmpfs is still there."
            ),
            HELD_UP,
            (),
        ),
        (
            changed(
                AGAIN,
                BootSeen,
                {
                    "started_at": None,
                    "init_started": None,
                    "systemd_started": None,
                    "inside_problem": "no answer",
                },
                moment="rebooted",
            ),
            UNKNOWN,
            (
                "The reboot is not proven: Incus' start time could not be read; systemd's start time "
                "could not be read; the start of PID 1 could not be read; the token in tmpfs was not "
                "seen before, or could not be looked for after."
            ),
            "Run again.",
            (),
        ),
        (
            changed(AGAIN, BootSeen, {"started_at": None, "token": TOKEN}, moment="rebooted"),
            UNKNOWN,
            "The reboot is not proven: the token in tmpfs is still there.",
            HELD_UP,
            (
                INSIDE_BOOT,
                FIRST_PROCESS,
                "Incus' start time could not be read",
            ),
        ),
        (
            changed(AGAIN, BootSeen, {"started_at": None}, moment="rebooted"),
            UNKNOWN,
            "The reboot is not proven: Incus' start time could not be read.",
            "Run again.",
            (
                INSIDE_BOOT,
                FIRST_PROCESS,
                NO_TOKEN,
            ),
        ),
        (without(AGAIN, RebootDone), UNKNOWN, "The machine was not rebooted.", ANOTHER_RUN, ()),
        (
            without(AGAIN, BootSeen, moment="rebooted"),
            UNKNOWN,
            "The boot was not looked at before and after the restart.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_reboot_happened(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("reboot-happened", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "The run came to its end; its history has 53 records.", "", ()),
        (
            PC3.model_copy(update={"problems": ("the last line is cut off", "a number is missing")}),
            UNKNOWN,
            "The history file is not whole: the last line is cut off.",
            "Fetch the original file; it is written once and never edited.",
            ("a number is missing",),
        ),
        (
            without(PC3, Started),
            UNKNOWN,
            "The history does not begin with the start of a run.",
            "Run the task again.",
            (),
        ),
        (
            interrupted("redeploy"),
            UNKNOWN,
            "The run was interrupted during redeploy (SIGINT).",
            "Run the task again.",
            (),
        ),
        (interrupted(None), UNKNOWN, "The run was interrupted (SIGINT).", "Run the task again.", ()),
        (without(PC3, Finished), UNKNOWN, "The run was cut off before its end.", "Run the task again.", ()),
        (
            changed(
                changed(PC3, PhaseEnded, {"outcome": "failed", "problem": "429"}, phase="redeploy"),
                Finished,
                {"outcome": "failed"},
            ),
            UNKNOWN,
            "The run ended early in redeploy: 429.",
            MEND,
            (),
        ),
        (
            changed(PC3, Finished, {"outcome": "failed"}),
            UNKNOWN,
            "The run ended early: no reason was written.",
            MEND,
            (),
        ),
        (
            changed(PC3, Finished, {"outcome": "failed", "problem": "no route"}),
            UNKNOWN,
            "The run ended early: no route.",
            MEND,
            (),
        ),
    ],
)
def test_run_complete(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("run-complete", history) == (verdict, reason, todo, details)
