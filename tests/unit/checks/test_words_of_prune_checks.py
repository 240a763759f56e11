"""What a person reads of PC1's checks: their answers, word for word."""

import pytest

from ccci_host.records import (
    AgentSeen,
    Cleanup,
    Deployed,
    FileSeen,
    History,
    PlanSeen,
    PrunersSeen,
    StoreSeen,
    StrangersSeen,
    SweepSeen,
    TicksSeen,
    TornDown,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    APP,
    DB,
    changed,
    digest,
    of_events,
    store,
    without,
)
from tests.unit.checks.cases import ASKED, said
from tests.unit.checks.spoilt import (
    IN_USE,
    PC1,
    PC3,
    all_failed,
    last_tick,
    pruner,
    removal,
    restarted,
    strange,
    ticked,
    timer,
    victim,
)

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL

ANOTHER_RUN = "Run the task again; the report says which witness is missing."
STATUS = "`ccci-prune status` on the host says what failed. Run again after the cure."
ARM = "Run `invoke provision`, or `systemctl enable --now` the timer on the host."
WHO_REMOVED = (
    "Find what removed them: `invoke verify-pc1` names competing pruners, `journalctl -u "
    "ccci-prune` on the host says what the agent did."
)
SOMEBODY = "See whether somebody else worked on the host; if not, report it with the history."


@pytest.mark.parametrize(
    ASKED,
    [
        (PC1, PASS, "The 2 files of the agent are as this checkout installs them.", "", ()),
        (
            changed(
                PC1,
                AgentSeen,
                {
                    "files": (
                        FileSeen(path="/a", state="altered", detail="differs"),
                        FileSeen(path="/b", state="absent"),
                    )
                },
            ),
            FAIL,
            "Not as this checkout installs it: /a (altered) and /b (absent).",
            "Run `invoke provision`: it installs the agent again.",
            ("/a: differs",),
        ),
        (
            changed(PC1, AgentSeen, timer(drop_ins=("/etc/t.d/x.conf", "/run/t.d/y.conf"))),
            FAIL,
            "Not as this checkout installs it: /etc/t.d/x.conf (alters ccci-prune.timer) and /run/t.d/y.conf "
            "(alters ccci-prune.timer).",
            "Remove what alters its units, `systemctl daemon-reload`, and run `invoke provision`.",
            (),
        ),
        (
            changed(PC1, AgentSeen, timer(needs_reload=True)),
            FAIL,
            "Not as this checkout installs it: ccci-prune.timer (changed since systemd read it).",
            "Remove what alters its units, `systemctl daemon-reload`, and run `invoke provision`.",
            (),
        ),
        (
            changed(PC1, AgentSeen, {"units": ()}),
            UNKNOWN,
            "Whether the agent is ours is not known: nobody looked.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, AgentSeen, {"files": (FileSeen(path="/a", state="unreadable", detail="denied"),)}),
            UNKNOWN,
            "Whether the agent is ours is not known: /a cannot be read: denied.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, AgentSeen, {"problem": "no bus"}),
            UNKNOWN,
            "Whether the agent is ours is not known: no bus.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, AgentSeen, {"files": ()}),
            UNKNOWN,
            "Whether the agent is ours is not known: nobody looked.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, AgentSeen),
            UNKNOWN,
            "Whether the agent is ours is not known: nobody looked.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_agent_as_built(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("agent-as-built", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC1,
            PASS,
            "Active, and enabled at boot: ccci-prune.timer and ccci-prune-watch.service.",
            "",
            ("Its next tick: 2026-03-01 13:00:00.",),
        ),
        (
            changed(PC1, AgentSeen, {"next_tick": None}),
            PASS,
            "Active, and enabled at boot: ccci-prune.timer and ccci-prune-watch.service.",
            "",
            (),
        ),
        (
            changed(PC1, AgentSeen, last_tick(active="failed", result="exit-code")),
            PASS,
            "Active, and enabled at boot: ccci-prune.timer and ccci-prune-watch.service.",
            "",
            (
                "Its next tick: 2026-03-01 13:00:00.",
                "ccci-prune.service: its last tick failed (exit-code).",
            ),
        ),
        (
            changed(PC1, AgentSeen, last_tick(active="activating", result="exit-code")),
            PASS,
            "Active, and enabled at boot: ccci-prune.timer and ccci-prune-watch.service.",
            "",
            ("Its next tick: 2026-03-01 13:00:00.",),
        ),
        (
            changed(PC1, AgentSeen, timer(load="masked")),
            FAIL,
            "The agent does not run by itself: ccci-prune.timer is masked.",
            ARM,
            (),
        ),
        (
            changed(PC1, AgentSeen, timer(active="")),
            FAIL,
            "The agent does not run by itself: ccci-prune.timer is not active.",
            ARM,
            (),
        ),
        (
            changed(PC1, AgentSeen, timer(active="failed")),
            FAIL,
            "The agent does not run by itself: ccci-prune.timer is failed.",
            ARM,
            (),
        ),
        (
            changed(PC1, AgentSeen, timer(enabled="disabled")),
            FAIL,
            ("The agent does not run by itself: ccci-prune.timer is not enabled at boot (disabled)."),
            ARM,
            (),
        ),
        (
            changed(PC1, AgentSeen, timer(enabled="")),
            FAIL,
            "The agent does not run by itself: ccci-prune.timer is not enabled at boot (unknown).",
            ARM,
            (),
        ),
        (
            changed(PC1, AgentSeen, {"problem": "no bus"}),
            UNKNOWN,
            "Whether the timer is armed is not known: no bus.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, AgentSeen),
            UNKNOWN,
            "Whether the timer is armed is not known: nobody looked.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_timer_armed(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("timer-armed", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC1, PASS, "Nothing but the agent prunes images on this host.", "", ()),
        (
            changed(PC1, PrunersSeen, {"pruners": (pruner("/a", active=False), pruner("/b", active=False))}),
            PASS,
            "Nothing but the agent prunes images on this host.",
            "",
            (
                "present but not active: /a: prune",
                "present but not active: /b: prune",
            ),
        ),
        (
            changed(
                PC1,
                PrunersSeen,
                {
                    "pruners": (
                        pruner("/a", remedy="Drop it."),
                        pruner("/b", remedy="Drop it."),
                        pruner("/c", remedy="Mask it."),
                        pruner("/d", active=False, remedy="Nothing."),
                    )
                },
            ),
            FAIL,
            "Also prunes images on this host: prune of /a, prune of /b and prune of /c.",
            "Drop it. Mask it.",
            (
                "/a: prune",
                "/b: prune",
                "/c: prune",
            ),
        ),
        (
            changed(PC1, PrunersSeen, {"pruners": (pruner("/a"),)}),
            FAIL,
            "Also prunes images on this host: prune of /a.",
            "Disable it, or run `invoke provision --disable-pruners`.",
            ("/a: prune",),
        ),
        (
            changed(PC1, PrunersSeen, {"problem": "cannot list units"}),
            UNKNOWN,
            "Whether anything else prunes is not known: cannot list units.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, PrunersSeen),
            UNKNOWN,
            "Whether anything else prunes is not known: nobody looked.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_no_competing_pruner(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("no-competing-pruner", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC1,
            PASS,
            "2 sweeps that were started while the run held its lease refused, and named the lease.",
            "",
            (),
        ),
        (
            without(PC1, SweepSeen, moment="deployed"),
            PASS,
            "1 sweep that was started while the run held its lease refused, and named the lease.",
            "",
            (),
        ),
        (
            changed(PC1, SweepSeen, {"gates": {}}, moment="torn-down"),
            UNKNOWN,
            (
                "A sweep during a held lease deleted nothing, but did not name the lease as its "
                "reason: it named no gate."
            ),
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, SweepSeen, {"problem": "no agent"}, moment="deployed"),
            UNKNOWN,
            "It is not shown that a lease holds a sweep back: no agent.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, SweepSeen, {"removed": (APP, DB)}, under="lease"),
            FAIL,
            f"A sweep during a held lease removed {APP} and {DB}.",
            "Run `invoke provision`: the agent on the host does not honour leases.",
            (),
        ),
        (
            changed(PC1, SweepSeen, {"problem": "no agent"}, under="lease"),
            UNKNOWN,
            "It is not shown that a lease holds a sweep back: no agent.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, SweepSeen, under="lease"),
            UNKNOWN,
            "It is not shown that a lease holds a sweep back: no sweep was tried.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, SweepSeen, {"gates": {"no-pressure": {"reason": "…"}}}, under="lease"),
            UNKNOWN,
            (
                "A sweep during a held lease deleted nothing, but did not name the lease as its "
                "reason: no-pressure."
            ),
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, SweepSeen, {"gates": {}}, under="lease"),
            UNKNOWN,
            (
                "A sweep during a held lease deleted nothing, but did not name the lease as its "
                "reason: it named no gate."
            ),
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_lease_holds_back_the_sweep(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("lease-holds-back-the-sweep", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC1,
            PASS,
            ("At a pretended 95 % it would keep 2 images, the recipe's among them, and let 1 image go."),
            "",
            (),
        ),
        (
            changed(
                PC1,
                PlanSeen,
                {
                    "victims": (
                        victim(DB, "idle", reason="idle: 30 d"),
                        victim("wiki:1", "held", reason="container"),
                        victim("", "held"),
                    )
                },
            ),
            FAIL,
            (
                "Under pressure the agent would delete what it must keep: ccci/db:2.0 (idle: 30 d), "
                "wiki:1 (container) and sha256:999999999999 (no reason)."
            ),
            ("Run `invoke provision`; if the plan stays like this, report it with `ccci-prune snapshot`."),
            (),
        ),
        (
            of_events(
                (
                    *(entry.event for entry in PC1.entries),
                    PlanSeen(
                        moment="end",
                        victims=(victim("wiki:1", "idle"), victim("", "orphaned")),
                        gates={"no-pressure": {"reason": "at 50 %"}},
                    ),
                )
            ),
            FAIL,
            "The agent would delete behind a closed gate: wiki:1 and sha256:999999999999.",
            ("Run `invoke provision`; if the plan stays like this, report it with `ccci-prune snapshot`."),
            (),
        ),
        (
            changed(PC1, PlanSeen, {"problem": "agent broke"}),
            UNKNOWN,
            "The agent made no plan under pressure: agent broke.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, PlanSeen),
            UNKNOWN,
            "The agent made no plan under pressure: it was not asked.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, StrangersSeen, moment="start"),
            UNKNOWN,
            "Which images others have in use was not seen: no look.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, StrangersSeen, {"problem": "daemon down"}, moment="start"),
            UNKNOWN,
            "Which images others have in use was not seen: daemon down.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, PlanSeen, {"gates": {"lease": {"reason": "held"}, "no-pressure": None}}),
            UNKNOWN,
            "A gate was closed (lease), so no plan shows who would go under pressure.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, PlanSeen, {"kept": ()}),
            UNKNOWN,
            "The agent's plan does not tell of the recipe's images: ccci/app:1.0 and ccci/db:2.0.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, Deployed),
            UNKNOWN,
            "The agent's plan does not tell of the recipe's images: none.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_plan_is_conservative(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("plan-is-conservative", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC1,
            PASS,
            (
                "24 ticks of the last 24 hours and that of this run ended below the high watermark of"
                " 80 %, and 35.0 % of /var/lib/docker is beyond what the agent may free, with the low"
                " watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(
                PC1,
                SweepSeen,
                {"exit_code": 1, "output": "/ at 91 %: above the high watermark of 80 %\nsince noon"},
                under="nothing",
            ),
            FAIL,
            "A tick of the agent, with nothing to hold it back, ended above the high watermark.",
            ("`ccci-prune status` on the host says what fills the disk; images are not all that does."),
            (
                "/ at 91 %: above the high watermark of 80 %",
                "since noon",
            ),
        ),
        (
            changed(PC1, SweepSeen, {"exit_code": 1, "output": "app was lost\ndb too"}, under="nothing"),
            UNKNOWN,
            "The tick of this run failed with exit code 1: db too.",
            STATUS,
            ("app was lost", "db too"),
        ),
        (
            changed(
                PC1,
                SweepSeen,
                {"exit_code": 1, "gates": {"unreadable": {"reason": "containers: no answer"}}, "output": "x"},
                under="nothing",
            ),
            UNKNOWN,
            "The tick of this run failed with exit code 1: unreadable, containers: no answer.",
            STATUS,
            ("x",),
        ),
        (
            changed(PC1, SweepSeen, {"exit_code": 137}, under="nothing"),
            UNKNOWN,
            "The tick of this run failed with exit code 137: it does not say why.",
            STATUS,
            (),
        ),
        (
            changed(IN_USE, TicksSeen, all_failed),
            UNKNOWN,
            "The last 6 hours had 6 ticks, and none ended well.",
            "`journalctl -u ccci-prune` on the host says why. Run again when ticks end well.",
            (),
        ),
        (
            changed(PC1, SweepSeen, {"exit_code": None}, under="nothing"),
            UNKNOWN,
            "How the tick of this run ended is not known: no code.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, SweepSeen, {"problem": "no agent"}, under="nothing"),
            UNKNOWN,
            "How the tick of this run ended is not known: no agent.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, TicksSeen),
            UNKNOWN,
            "How the agent's ticks ended is not known: nobody looked at them.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TicksSeen, {"problem": "denied"}),
            UNKNOWN,
            "How the agent's ticks ended is not known: denied.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TicksSeen, {"high_percent": None}),
            UNKNOWN,
            "What the disk is to stay below is not known: the policy names no watermark.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TicksSeen, {"high_percent": 50.0}),
            UNKNOWN,
            "24 ticks of the last day ended above the high watermark of 50 %, at up to 50 %.",
            ("`ccci-prune status` on the host says what fills the disk. Run again a day after the cure."),
            (),
        ),
        (
            changed(IN_USE, TicksSeen, {"ticks": ()}),
            UNKNOWN,
            ("The record of the last day has 0 ticks, and a gap of 24 hours: a day of ticks is not shown."),
            "Run again when the agent has ticked for a day (`journalctl -u ccci-prune` shows it).",
            (),
        ),
        (
            changed(IN_USE, TicksSeen, ticked(59396.4, 39600.0, 19800.0)),
            UNKNOWN,
            ("The record of the last day has 3 ticks, and a gap of 8 hours: a day of ticks is not shown."),
            "Run again when the agent has ticked for a day (`journalctl -u ccci-prune` shows it).",
            (),
        ),
        (
            changed(PC1, TicksSeen, {"low_percent": 35.0}),
            UNKNOWN,
            (
                "35 % of /var/lib/docker is beyond what the agent may free, now or later, and the low"
                " watermark is 35 %."
            ),
            "`ccci-prune status` on the host says what it is; or give the store a larger disk.",
            (),
        ),
        (
            without(PC1, PlanSeen),
            UNKNOWN,
            "What the agent may free is not known: there is no readable plan under pressure.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, StoreSeen, {"problem": "denied"}),
            UNKNOWN,
            "What the agent may free is not known: there is no readable look at the image store.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TicksSeen, {"used": 0, "available": 10}),
            PASS,
            (
                "24 ticks of the last 24 hours and that of this run ended below the high watermark of"
                " 80 %, and 0.0 % of /var/lib/docker is beyond what the agent may free, with the low "
                "watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(PC1, TicksSeen, ticked(7200.0)),
            PASS,
            (
                "1 tick of the last 2 hours and that of this run ended below the high watermark of 80"
                " %, and 35.0 % of /var/lib/docker is beyond what the agent may free, with the low "
                "watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(PC1, TicksSeen, ticked(7199.0)),
            PASS,
            (
                "1 tick of the last 120 minutes and that of this run ended below the high watermark "
                "of 80 %, and 35.0 % of /var/lib/docker is beyond what the agent may free, with the "
                "low watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(PC1, TicksSeen, ticked(1770.2)),
            PASS,
            (
                "1 tick of the last 30 minutes and that of this run ended below the high watermark of"
                " 80 %, and 35.0 % of /var/lib/docker is beyond what the agent may free, with the low"
                " watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(PC1, TicksSeen, {"ticks": ()}),
            PASS,
            (
                "The tick of this run, the only one on this host, ended below the high watermark of "
                "80 %, and 35.0 % of /var/lib/docker is beyond what the agent may free, with the low "
                "watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(PC1, StoreSeen, lambda _: store("deployed", without=(DB,)), moment="deployed"),
            PASS,
            (
                "24 ticks of the last 24 hours and that of this run ended below the high watermark of"
                " 80 %, and 35.0 % of /var/lib/docker is beyond what the agent may free, with the low"
                " watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            IN_USE,
            PASS,
            (
                "24 ticks of the last 24 hours ended below the high watermark of 80 %, and 35.0 % of "
                "/var/lib/docker is beyond what the agent may free, with the low watermark at 70 %."
            ),
            "",
            (),
        ),
        (
            changed(PC1, TicksSeen, {"low_percent": None}),
            UNKNOWN,
            "What the disk is to stay below is not known: the policy names no watermark.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TicksSeen, {"used": 0, "available": 0}),
            UNKNOWN,
            "How full /var/lib/docker is, is not known.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TicksSeen, {"used": 0, "available": 0, "folder": ""}),
            UNKNOWN,
            "How full the disk is, is not known.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_disk_stays_bounded(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("disk-stays-bounded", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC1,
            PASS,
            (
                "1 teardown removed 1 network, 1 secret, 2 services and 1 volume, left nothing behind"
                " and touched no image."
            ),
            "",
            (),
        ),
        (
            changed(PC1, TornDown, removal(removed=(("service", "a"), ("image", DB)))),
            FAIL,
            f"The teardown removed images: {DB}.",
            "Take the removal of images out of the teardown; the agent alone deletes images.",
            (),
        ),
        (
            changed(PC1, StoreSeen, lambda _: store("torn-down", without=(DB,)), moment="torn-down"),
            FAIL,
            "Gone from the store with the teardown: ccci/db:2.0.",
            (
                "Take the removal of images out of the teardown, unless `invoke verify-pc1` names a pruner; "
                "the agent alone deletes images."
            ),
            (),
        ),
        (
            changed(PC1, StoreSeen, {"problem": "daemon down"}, moment="torn-down"),
            UNKNOWN,
            "The image store could not be read after the teardown: daemon down.",
            "Make the daemon and its data directory readable to root on the host, and run again.",
            (),
        ),
        (
            without(PC3, StoreSeen, moment="finally-torn-down"),
            UNKNOWN,
            "The image store was not looked at after the last teardown.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TornDown, removal(left=(("secret", "pw", "in use"), ("volume", "data", "busy")))),
            FAIL,
            "Left behind: secret pw and volume data.",
            ("Remove them by hand: `docker stack rm`, then `docker volume rm` and `docker secret rm`."),
            (
                "secret pw: in use",
                "volume data: busy",
            ),
        ),
        (
            changed(PC1, Cleanup, {"problem": "daemon down"}),
            UNKNOWN,
            "The final cleanup could not look at what is left: daemon down.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC1, TornDown, removal(removed=(("volume", "a"),))),
            UNKNOWN,
            "No teardown removed a service, so nothing is shown about teardowns.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, TornDown),
            UNKNOWN,
            "Nothing was torn down, so nothing is shown about teardowns.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_teardown_is_clean(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("teardown-is-clean", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "No image disappeared over 7 looks at the store.", "", ()),
        (
            changed(PC3, StoreSeen, lambda _: store("torn-down", without=(DB,)), moment="torn-down"),
            FAIL,
            "Between the deploy and the teardown the host lost ccci/db:2.0.",
            WHO_REMOVED,
            (f"image {digest('e')}: ccci/db@{digest('d')}",),
        ),
        (
            changed(PC3, StoreSeen, strange("wiki:1", f"wiki@{digest('7')}"), moment="deployed"),
            FAIL,
            "Between the deploy and the teardown the host lost wiki:1.",
            WHO_REMOVED,
            (f"image {digest('8')}: wiki:1, wiki@{digest('7')}",),
        ),
        (
            changed(PC3, StoreSeen, strange(), moment="deployed"),
            FAIL,
            "Between the deploy and the teardown the host lost sha256:888888888888.",
            WHO_REMOVED,
            (f"image {digest('8')}: no name",),
        ),
        (
            without(PC1, StoreSeen, moment="start"),
            PASS,
            "No image disappeared over 3 looks at the store.",
            "",
            (),
        ),
        (
            changed(PC3, StoreSeen, {"problem": "daemon down"}, moment="torn-down"),
            UNKNOWN,
            "1 look at the image store failed; nobody knows what was there then.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, StoreSeen, {"problem": "daemon down"}),
            UNKNOWN,
            "The image store was not read twice, so nobody knows what disappeared.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_nothing_evicted(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("nothing-evicted", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC1, PASS, "1 container and 1 service of others were there before, and are the same after.", "", ()),
        (
            changed(
                PC1,
                StrangersSeen,
                {"services": (), "states": (), "containers": (), "volumes": ()},
                moment="end",
            ),
            FAIL,
            (
                "The run disturbed what else lives on the host: service wiki_app is gone, volume "
                "wiki_data is gone and container wiki_app.1 is gone."
            ),
            SOMEBODY,
            (),
        ),
        (
            changed(PC1, StrangersSeen, {"services": (("wiki_app", 18),)}, moment="end"),
            FAIL,
            "The run disturbed what else lives on the host: service wiki_app was updated.",
            SOMEBODY,
            (),
        ),
        (
            changed(PC1, StrangersSeen, restarted, moment="end"),
            UNKNOWN,
            "Whether the run disturbed what else lives on the host is not known: container wiki_app.1 was "
            "restarted by its policy.",
            "See on the host why; run again while nothing else there starts and ends.",
            (),
        ),
        (
            changed(PC1, StrangersSeen, {"problem": "daemon down"}, moment="end"),
            UNKNOWN,
            "Other stacks were not seen before and after: daemon down.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC1, StrangersSeen, moment="end"),
            UNKNOWN,
            "Other stacks were not seen before and after: no look.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_strangers_untouched(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("strangers-untouched", history) == (verdict, reason, todo, details)
