import pytest

from ccci_host.facts.answers import Unreadable
from ccci_host.facts.probes import FoundFiles
from ccci_host.facts.pruners import PRUNERS, parse_pruners
from ccci_host.steps.pruners import STEP
from tests.unit.facts.host_answers import file, pruner_answers, unit
from tests.unit.steps.facts_of import facts, wanted


def test_a_service_whose_timer_is_enabled_is_an_active_pruner_stopped_through_its_timer() -> None:
    answers = pruner_answers(
        shown=[
            unit("docker-prune.service", "/usr/bin/docker system prune -af"),
            unit(
                "docker-prune.timer",
                UnitFileState="enabled",
                ActiveState="active",
                Triggers="docker-prune.service",
            ),
        ],
    )

    (pruner,) = parse_pruners(answers).active

    assert pruner.kind == "unit"
    assert pruner.name == "docker-prune.service, triggered by docker-prune.timer"
    assert pruner.command == "docker system prune -af"
    assert "virtualisation.docker.autoPrune.enable = false" in pruner.remedy
    assert pruner.stop == (("systemctl", "disable", "--now", "docker-prune.timer"),)


PRUNES = "docker image prune -f"
TRANSIENT = "/run/systemd/transient/"
ENABLED = {"UnitFileState": "enabled", "ActiveState": "active", "Triggers": "tidy.service"}
SEVERAL = [
    pytest.param(
        {"tidy.service": {"UnitFileState": "enabled"}, "tidy.timer": ENABLED},
        ["systemctl disable --now tidy.timer tidy.service"],
        id="enabled itself and by its timer",
    ),
    pytest.param(
        {"tidy.service": {}, "tidy.timer": ENABLED, "nightly.timer": ENABLED},
        ["systemctl disable --now tidy.timer nightly.timer"],
        id="two timers",
    ),
    pytest.param(
        {"tidy.service": {"ActiveState": "activating"}, "tidy.timer": ENABLED},
        ["systemctl disable --now tidy.timer tidy.service"],
        id="runs now",
    ),
    pytest.param(
        {
            "tidy.service": {"UnitFileState": "enabled-runtime"},
            "tidy.timer": ENABLED,
            "run-1.timer": {
                **ENABLED,
                "UnitFileState": "transient",
                "FragmentPath": f"{TRANSIENT}run-1.timer",
            },
        },
        [
            "systemctl disable --now tidy.timer",
            "systemctl stop run-1.timer",
            "systemctl disable --runtime --now tidy.service",
        ],
        id="until the next start",
    ),
]


def shown(units: dict[str, dict[str, str]]) -> list[str]:
    return [unit(name, PRUNES if "service" in name else "", **state) for name, state in units.items()]


def after(argv: tuple[str, ...], units: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """`units` after a command of `systemctl`, which leaves a static unit's file alone and stops it."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    now = dict(units)
    for name in words[1:]:
        was = units[name]
        now[name] = {**was, "ActiveState": "inactive"}
        layer = "enabled-runtime" if "--runtime" in argv else "enabled"
        if words[0] == "disable" and was.get("UnitFileState") == layer:
            now[name]["UnitFileState"] = "disabled"
    return now


@pytest.mark.parametrize(("units", "commands"), SEVERAL)
def test_all_that_starts_a_unit_is_ended_in_one_run(
    units: dict[str, dict[str, str]], commands: list[str]
) -> None:
    (pruner,) = parse_pruners(pruner_answers(shown=shown(units))).active

    assert [" ".join(argv) for argv in pruner.stop] == commands
    assert all(f"`{command}`" in pruner.remedy for command in commands)
    for argv in pruner.stop:
        units = after(argv, units)
    plan = STEP.plan(
        facts({PRUNERS: parse_pruners(pruner_answers(shown=shown(units)))}), wanted(disable_pruners=True)
    )
    assert (plan.changes, plan.problems) == ((), ())


def test_a_timer_of_another_name_triggers_it_too() -> None:
    answers = pruner_answers(
        shown=[
            unit("tidy.service", "docker image prune -f"),
            unit("nightly.timer", UnitFileState="disabled", ActiveState="active", Triggers="tidy.service"),
        ],
    )

    assert [pruner.name for pruner in parse_pruners(answers).active] == [
        "tidy.service, triggered by nightly.timer"
    ]


def test_a_service_that_nothing_starts_is_named_as_inactive() -> None:
    answers = pruner_answers(
        shown=[
            unit("tidy.service", "docker image prune -f"),
            unit("tidy.timer", UnitFileState="disabled", Triggers="tidy.service"),
        ],
    )
    audit = parse_pruners(answers)

    assert not audit.active
    assert [pruner.name for pruner in audit.pruners] == ["tidy.service"]


def test_a_loop_that_runs_now_is_active_though_nothing_enables_it() -> None:
    answers = pruner_answers(
        shown=[unit("loop.service", "/bin/sh -c while true; do docker rmi app; done", ActiveState="active")],
    )

    assert [pruner.name for pruner in parse_pruners(answers).active] == ["loop.service"]


def test_a_script_that_the_unit_runs_is_read() -> None:
    answers = pruner_answers(
        shown=[unit("tidy.service", "/opt/cleanup.sh --all", UnitFileState="enabled")],
        unit_scripts={"/opt/cleanup.sh": file("#!/bin/sh\ndocker rmi $(docker images -q)\n", 0o755)},
    )

    assert parse_pruners(answers).active[0].command == "/opt/cleanup.sh: docker rmi"


def test_what_else_a_unit_and_its_script_say_is_not_shown() -> None:
    login = "docker login -p dckr_pat_X"
    path = "/root/.config/systemd/user/up.service"
    answers = pruner_answers(
        shown=[
            unit("a.service", f"/bin/sh -c '{login} && docker image prune -f'", UnitFileState="enabled"),
            unit("b.service", "/opt/cleanup.sh", UnitFileState="enabled"),
        ],
        unit_scripts={"/opt/cleanup.sh": file(f"#!/bin/sh\n{login} && docker rmi app\n", 0o755)},
        users=FoundFiles({path: file(f"ExecStart=sh -c '{login}; docker rmi -f app'\n")}, {path: ()}),
    )

    pruners = parse_pruners(answers).pruners

    assert [pruner.command for pruner in pruners] == [
        "docker image prune -f",
        "/opt/cleanup.sh: docker rmi",
        "docker rmi -f",
    ]
    assert "dckr_pat_X" not in repr(pruners)


def test_a_script_of_a_similar_name_is_not_the_one_that_runs() -> None:
    answers = pruner_answers(
        shown=[unit("tidy.service", "/opt/cleanup.sh.disabled", UnitFileState="enabled")],
        unit_scripts={"/opt/cleanup.sh": file("#!/bin/sh\ndocker image prune\n", 0o755)},
    )

    assert not parse_pruners(answers).pruners


def test_a_masked_unit_shows_no_command_and_is_none() -> None:
    answers = pruner_answers(shown=[unit("masked.service", UnitFileState="masked")])

    assert not parse_pruners(answers).pruners


def test_an_enabled_instance_of_a_template_is_one() -> None:
    answers = pruner_answers(
        shown=[unit("prune@60.service", "docker image prune -f", UnitFileState="enabled")],
    )

    assert [pruner.name for pruner in parse_pruners(answers).active] == ["prune@60.service"]


def test_a_drop_in_of_dockerd_is_named_and_never_stopped_with_dockerd() -> None:
    block = unit(
        "docker.service", "/usr/sbin/dockerd -H fd://", ActiveState="active", UnitFileState="enabled"
    )
    post = "ExecStartPost={ path=/x ; argv[]=docker image prune -f ; ignore_errors=yes ; pid=0 }\n"
    answers = pruner_answers(shown=[post + block])

    (pruner,) = parse_pruners(answers).active

    assert "drop-ins" in pruner.remedy
    assert pruner.stop == ()


@pytest.mark.parametrize("when", ["ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"])
@pytest.mark.parametrize("main", ["/usr/bin/ci-server", ""])
def test_a_unit_that_removes_images_beside_its_work_is_left_to_a_person(when: str, main: str) -> None:
    beside = f"{when}={{ path=/x ; argv[]=/opt/cleanup.sh ; ignore_errors=yes ; pid=0 }}\n"
    answers = pruner_answers(
        shown=[beside + unit("ci.service", main, UnitFileState="enabled")],
        unit_scripts={"/opt/cleanup.sh": file("#!/bin/sh\ndocker rmi x\n", 0o755)},
    )

    (pruner,) = parse_pruners(answers).active

    assert pruner.stop == ()
    assert "take that line alone out of it with `systemctl edit --full ci.service`" in pruner.remedy


@pytest.mark.parametrize(
    ("mains", "is_stopped"),
    [
        (["/opt/cleanup.sh --all"], True),
        (["/bin/bash -e /opt/cleanup.sh"], True),
        (["/usr/bin/docker image prune -f", "/opt/cleanup.sh"], True),
        (["/usr/bin/docker image prune -f", "/usr/bin/ci-server"], False),
        (["/usr/bin/docker image prune -f", "/bin/sleep 5"], True),
        (["/bin/sh -c 'restic backup /srv; docker image prune -f'"], False),
        (["/bin/sh -c restic backup /srv; docker image prune -f"], False),
        (["/opt/backup.sh"], False),
        (["/usr/bin/ci-server --each-night /opt/cleanup.sh"], False),
        (["/usr/bin/ci-server --each-night 'docker image prune -f'"], False),
    ],
)
def test_a_unit_is_stopped_where_it_does_nothing_else(mains: list[str], is_stopped: bool) -> None:
    execs = "".join(f"ExecStart={{ path=/x ; argv[]={main} ; ignore_errors=no ; pid=0 }}\n" for main in mains)
    answers = pruner_answers(
        shown=[execs + unit("ci.service", UnitFileState="enabled")],
        unit_scripts={
            "/opt/cleanup.sh": file("#!/bin/sh\ndocker rmi x\n", 0o755),
            "/opt/backup.sh": file("#!/bin/sh\nrestic backup /srv\ndocker rmi x\n", 0o755),
        },
    )

    (pruner,) = parse_pruners(answers).active

    assert bool(pruner.stop) == is_stopped


@pytest.mark.parametrize(
    ("beside", "is_stopped"), [("/usr/bin/restic backup /srv", False), ("/bin/sleep 5", True)]
)
@pytest.mark.parametrize("when", ["ExecStartPre", "ExecStopPost"])
def test_a_unit_that_works_before_or_after_a_removal_is_left(
    when: str, beside: str, is_stopped: bool
) -> None:
    line = f"{when}={{ path=/x ; argv[]={beside} ; ignore_errors=yes ; pid=0 }}\n"
    answers = pruner_answers(
        shown=[line + unit("ci.service", "docker image prune -f", UnitFileState="enabled")]
    )

    (pruner,) = parse_pruners(answers).active

    assert bool(pruner.stop) == is_stopped


def test_a_transient_unit_that_does_other_work_cannot_be_edited() -> None:
    answers = pruner_answers(
        shown=[
            unit(
                "run-1.service",
                "/usr/bin/ci-server 'docker rmi x'",
                ActiveState="active",
                FragmentPath="/run/systemd/transient/run-1.service",
            )
        ]
    )

    (pruner,) = parse_pruners(answers).active

    assert (pruner.stop, "start it anew without that line" in pruner.remedy) == ((), True)


def test_our_own_agent_is_none_while_it_is_what_its_unit_runs() -> None:
    answers = pruner_answers(
        shown=[
            unit("ccci-prune.service", "/usr/local/bin/ccci-prune sweep"),
            unit(
                "ccci-prune.timer",
                UnitFileState="enabled",
                ActiveState="active",
                Triggers="ccci-prune.service",
            ),
        ],
    )

    assert not parse_pruners(answers).pruners


def test_our_own_unit_is_one_once_it_runs_something_else() -> None:
    answers = pruner_answers(
        shown=[unit("ccci-prune.service", "docker image prune -af", UnitFileState="enabled")],
    )

    assert parse_pruners(answers).active


def test_a_users_timer_is_named_for_its_user_to_end() -> None:
    path = "/root/.config/systemd/user/up.service"
    answers = pruner_answers(
        users=FoundFiles({path: file("[Service]\nExecStart=docker image prune -f\n")}, {path: ()}),
        users_enabled=("/root/.config/systemd/user/timers.target.wants/up.timer",),
    )

    (pruner,) = parse_pruners(answers).active

    assert (pruner.kind, pruner.name, pruner.command) == ("user unit", path, "docker image prune -f")
    assert pruner.stop == ()
    assert pruner.remedy == "As its user: `systemctl --user disable --now up.timer`."


def test_a_users_unit_that_removes_images_beside_its_work_is_to_be_edited() -> None:
    path = "/root/.config/systemd/user/ci.service"
    lines = "[Service]\nExecStartPre=docker image prune -f\nExecStart=-/usr/bin/ci-server\n"
    answers = pruner_answers(users=FoundFiles({path: file(lines)}, {path: ()}))

    (pruner,) = parse_pruners(answers).pruners

    assert "`systemctl --user edit --full ci.service`" in pruner.remedy


def test_without_an_answer_from_systemd_none_is_not_known() -> None:
    audit = parse_pruners(pruner_answers(shown=Unreadable("systemctl ended with exit code 1: no bus")))

    assert audit.unreadable == ("systemd units: systemctl ended with exit code 1: no bus",)
