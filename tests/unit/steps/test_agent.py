import json
from dataclasses import replace

import pytest

from ccci_host.agent import paths, policy, reserve
from ccci_host.errors import ConfigError, HostError
from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.host import HOST
from ccci_host.steps.agent import STEP, UNITS, calendar
from ccci_host.steps.agent_files import INSTALLED, place, policy_text, wanted_texts
from ccci_host.steps.operations import RunCommand, WriteFile
from tests.unit.machines import host_table
from tests.unit.steps.facts_of import DEBIAN, TIMER, WATCH, facts, installed, instead, units, wanted

FILES = (paths.ARCHIVE, paths.POLICY, *(place(unit) for unit in paths.UNITS))


def commands(changes: tuple[object, ...]) -> list[tuple[str, ...]]:
    operations = [getattr(change, "operation") for change in changes]  # noqa: B009
    return [operation.argv[1:] for operation in operations if isinstance(operation, RunCommand)]


def test_nothing_to_do_has_a_reason() -> None:
    plan = STEP.plan(facts(), wanted())

    assert not plan.changes
    assert plan.why.endswith("and its units are installed, its timer is active")


@pytest.mark.parametrize("path", FILES)
def test_one_byte_altered_is_named_and_written_again(path: str) -> None:
    before = installed().archive if path == paths.ARCHIVE else installed().texts[path]
    assert isinstance(before, Present)
    altered = replace(before, content=before.content[:-1] + b"X")

    plan = STEP.plan(facts({INSTALLED: instead(path, altered)}), wanted())

    (write,) = [change for change in plan.changes if isinstance(change.operation, WriteFile)]
    assert write.what == f"{path} differs from this checkout"
    assert isinstance(write.operation, WriteFile)
    assert write.operation.path == path
    assert write.diff


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    ("alteration", "what"), [({"mode": 0o666}, "has mode 0666"), ({"owner": "me"}, "belongs to me")]
)
def test_mode_and_owner_count(path: str, alteration: dict[str, object], what: str) -> None:
    before = installed().archive if path == paths.ARCHIVE else installed().texts[path]
    assert isinstance(before, Present)

    plan = STEP.plan(facts({INSTALLED: instead(path, replace(before, **alteration))}), wanted())  # type: ignore[arg-type]

    assert f"{path} {what}" in [change.what for change in plan.changes]


def test_units_are_read_again_after_they_were_written() -> None:
    plan = STEP.plan(facts({INSTALLED: instead(place(paths.TIMER), Absent())}), wanted())

    assert commands(plan.changes) == [("daemon-reload",), ("restart", paths.TIMER)]


def test_a_file_that_systemd_has_not_read_yet_is_drift() -> None:
    plan = STEP.plan(facts({UNITS: units(replace(TIMER, needs_reload=True))}), wanted())

    assert commands(plan.changes) == [("daemon-reload",)]


@pytest.mark.parametrize(
    ("timer", "what"),
    [
        (replace(TIMER, active="inactive"), f"{paths.TIMER} is inactive"),
        (replace(TIMER, file_state="disabled"), f"{paths.TIMER} is disabled"),
        (
            replace(TIMER, load="not-found", active="inactive", file_state=""),
            f"{paths.TIMER} is not installed",
        ),
    ],
)
def test_a_timer_that_rests_is_started(timer: object, what: str) -> None:
    plan = STEP.plan(facts({UNITS: units(timer)}), wanted())  # type: ignore[arg-type]

    assert [change.what for change in plan.changes] == [what]
    assert commands(plan.changes) == [("enable", "--now", paths.TIMER)]


def test_a_masked_timer_is_unmasked_first() -> None:
    timer = replace(TIMER, load="masked", active="inactive", file_state="masked")

    plan = STEP.plan(facts({UNITS: units(timer)}), wanted())

    assert commands(plan.changes) == [("unmask", paths.TIMER), ("enable", "--now", paths.TIMER)]


def test_the_watcher_stops_before_what_it_runs_is_replaced() -> None:
    plan = STEP.plan(facts({INSTALLED: instead(paths.ARCHIVE, Absent())}), wanted())

    kinds = [type(change.operation).__name__ for change in plan.changes]
    assert kinds == ["RunCommand", "WriteFile", "RunCommand"]
    assert commands(plan.changes) == [("stop", paths.WATCH), ("enable", "--now", paths.WATCH)]


def test_a_watcher_that_was_left_stopped_is_started() -> None:
    plan = STEP.plan(facts({UNITS: units(replace(WATCH, active="inactive"))}), wanted())

    assert commands(plan.changes) == [("enable", "--now", paths.WATCH)]


def test_a_drop_in_of_its_own_is_a_problem() -> None:
    """It may set the unit out of action, and no file of ours says so."""
    timer = replace(TIMER, drop_ins=("/etc/systemd/system/ccci-prune.timer.d/x.conf",))

    plan = STEP.plan(facts({UNITS: units(timer)}), wanted())

    assert not plan.changes
    assert "ccci-prune.timer.d/x.conf" in plan.problems[0]


def test_a_drop_in_of_all_units_is_warned_about() -> None:
    watch = replace(WATCH, drop_ins=("/run/systemd/system/service.d/zzz-lxc-service.conf",))

    plan = STEP.plan(facts({UNITS: units(watch)}), wanted())

    assert not plan.problems
    assert "zzz-lxc-service.conf" in plan.warnings[0]


def test_an_unreadable_file_stops_all() -> None:
    answer = Unreadable(f"{paths.POLICY}: Input/output error")

    with pytest.raises(HostError, match="cannot be read"):
        STEP.plan(facts({INSTALLED: instead(paths.POLICY, answer)}), wanted())


def test_a_timer_that_systemd_does_not_understand_stops_all() -> None:
    table = host_table(prune={"timer": "sometimes"})
    answer = Unreadable("systemd-analyze ended with exit code 1: Failed to parse calendar expression")

    with pytest.raises(ConfigError, match="'sometimes'"):
        STEP.plan(facts({calendar("sometimes"): answer}, table), wanted(table))


def test_nixos_is_told_what_to_put_into_its_configuration() -> None:
    nixos = replace(DEBIAN, os_id="nixos")

    with pytest.raises(HostError) as caught:
        STEP.plan(facts({HOST: nixos, INSTALLED: instead(place(paths.TIMER), Absent())}), wanted())

    assert "takes no files under /etc" in caught.value.brief
    assert 'systemd.units."ccci-prune.timer" = {' in caught.value.resolution
    assert "virtualisation.docker.autoPrune.enable = false;" in caught.value.resolution
    assert "pkgs.python3" in caught.value.resolution
    assert "/run/current-system/sw/bin" in caught.value.resolution


def test_nixos_that_was_told_is_as_it_should_be() -> None:
    nixos = replace(DEBIAN, os_id="nixos")
    files = installed()
    stored = {
        path: replace(answer, mode=0o444, path=f"/nix/store/x{path}")
        for path, answer in files.texts.items()
        if isinstance(answer, Present)
    }

    assert not STEP.plan(facts({HOST: nixos, INSTALLED: replace(files, texts=stored)}), wanted()).changes


def test_the_policy_says_what_the_configuration_says() -> None:
    prune = host_table(prune={"idle_after_days": "never", "keep": ["debian"], "young_hours": 1}).prune

    assert json.loads(policy_text(prune)) == {
        "high_watermark": 80,
        "low_watermark": 70,
        "young": 3600.0,
        "idle_after": "never",
        "keep": ["debian"],
        "recipe_roots": [],
    }
    assert policy.parse(policy_text(prune)).idle_after is None


def test_the_timer_says_when_the_configuration_says() -> None:
    prune = host_table(prune={"timer": "*:0/30"}).prune

    assert "OnCalendar=*:0/30\n" in wanted_texts(prune)[place(paths.TIMER)]


def test_the_unit_may_write_where_the_reserve_lies_and_starts_without() -> None:
    lines = wanted_texts(host_table().prune)[place(paths.SERVICE)].splitlines()

    folder = f"/var/lib/docker/{reserve.FOLDER}"
    assert f"ReadWritePaths=-{folder}" in lines
    assert f"ExecStartPre=-+mkdir -p {folder}" in lines
    assert "StateDirectory=ccci-prune" in lines
