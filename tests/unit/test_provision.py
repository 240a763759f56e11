"""The order of things: observe, plan, prove, apply, observe again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import ConfigError, CredentialError, HostError, UnreachableError
from ccci_host.facts import collector
from ccci_host.facts.answers import Present
from ccci_host.facts.collector import Fact
from ccci_host.facts.probes import ReadFile
from ccci_host.provision import provision
from ccci_host.steps import operations
from ccci_host.steps.operations import WriteFile
from ccci_host.steps.ssh_access import STILL_REFUSED
from ccci_host.steps.step import Change, Plan, Step, Wanted
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed
from ccci_host.transport.ssh import KeyRefusedError
from tests.fakes import completed
from tests.unit.machines import fake_machine, host_table
from tests.unit.programs import OURS, run

PAT = "not-a-real-pat"


@pytest.fixture(autouse=True)
def _pat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCCI_TEST_PAT", PAT)


class Host:
    """Runs the host programs here, and counts the round trips by what they are for."""

    where = "the fake host"

    def __init__(self, folder: Path, refusal: Exception | None = None) -> None:
        self.folder = folder
        self.refusal = refusal
        self.trips: list[str] = []

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        program = argv[-1]
        names = {collector.PROGRAM: "look", operations.PROGRAM: "apply"}
        self.trips.append(names.get(program, program))
        if self.refusal is not None:
            raise self.refusal
        assert PAT not in " ".join(argv)
        program = program.replace("/run/ccci-host-provision.lock", str(self.folder / "lock"))
        return completed(json.dumps(run(OURS, program, json.loads(input))))

    def close(self) -> None:
        self.trips.append("close")


def file_step(folder: Path, *, settles: bool = True, name: str = "file", **more: Any) -> Step:
    """A step that wants a file to hold `new`."""
    probe = ReadFile(str(folder / name))
    fact = Fact(name, (probe,), lambda answers: answers[probe])

    def plan(facts: Any, _: Wanted) -> Plan:
        seen = facts[fact]
        if settles and isinstance(seen, Present) and seen.content == b"new":
            return Plan(f"{name} is new", warnings=("it smells",))
        return Plan(
            f"{name} is old", (Change(WriteFile(probe.path, b"new"), f"{name} is old", "-old\n+new"),)
        )

    return Step(name, (), lambda _: (fact,), plan, **more)


def test_it_applies_and_looks_again_and_a_second_time_has_nothing_to_do(tmp_path: Path) -> None:
    host = Host(tmp_path)
    machine, steps = fake_machine(host), [file_step(tmp_path)]

    first = provision(machine, steps=steps)
    second = provision(machine, steps=steps)

    assert (first.exit_code, first.changed, first.steps[0].state) == (0, True, "changed")
    assert (second.exit_code, second.changed, second.steps[0].state) == (0, False, "ok")
    assert second.steps[0].why == "file is new"
    assert host.trips == ["look", "apply", "look", "look"]
    assert (tmp_path / "file").read_text() == "new"


def test_a_check_changes_nothing_and_ends_with_1_on_drift(tmp_path: Path) -> None:
    host = Host(tmp_path)

    report = provision(fake_machine(host), check=True, steps=[file_step(tmp_path)])

    assert (report.exit_code, report.steps[0].state) == (1, "drift")
    assert host.trips == ["look"]
    assert not (tmp_path / "file").exists()
    assert "ci: drift in file; nothing was changed." in report.to_text()
    assert "+new" in report.to_text(diff=True)
    assert "+new" not in report.to_text()


def test_a_step_that_never_settles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        provision(fake_machine(Host(tmp_path)), steps=[file_step(tmp_path, settles=False)])

    assert caught.value.brief == "ci is not as it should be after provisioning."
    assert caught.value.details == "file: file is old"


def test_what_must_hold_is_asked_before_anything_is_changed(tmp_path: Path) -> None:
    def refuse(*_: Any) -> tuple[str, ...]:
        raise CredentialError("no")

    host = Host(tmp_path)
    steps = [file_step(tmp_path), file_step(tmp_path, name="proven", prove=refuse)]
    with pytest.raises(CredentialError):
        provision(fake_machine(host), steps=steps)

    assert host.trips == ["look"]
    assert not (tmp_path / "file").exists()


def test_a_host_that_one_step_finds_unfit_is_not_changed_by_another(tmp_path: Path) -> None:
    def unfit(*_: Any) -> Plan:
        raise HostError("unfit")

    host = Host(tmp_path)
    with pytest.raises(HostError):
        provision(fake_machine(host), steps=[file_step(tmp_path), Step("unfit", (), lambda _: (), unfit)])

    assert host.trips == ["look"]


def test_without_a_pat_the_host_is_not_even_looked_at(tmp_path: Path) -> None:
    host = Host(tmp_path)
    machine = fake_machine(host, host_table(pat={"file": str(tmp_path / "none")}))

    with pytest.raises(ConfigError):
        provision(machine, steps=[])

    assert host.trips == []


def test_a_failure_half_way_says_where(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()

    with pytest.raises(HostError) as caught:
        provision(fake_machine(Host(tmp_path)), steps=[file_step(tmp_path, name="a"), _at(tmp_path / "b")])

    assert f"`write {tmp_path / 'b'}` failed" in caught.value.brief
    assert "1 of 2 operations are done" in caught.value.resolution


def _at(path: Path) -> Step:
    change = Change(WriteFile(str(path), b""), "it is a folder")
    return Step("at", (), lambda _: (), lambda _facts, _wanted: Plan("it is a folder", (change,)))


def test_a_problem_ends_with_1_and_is_counted(tmp_path: Path) -> None:
    step = Step("pruners", (), lambda _: (), lambda _facts, _wanted: Plan("2 pruners", problems=("a", "b")))

    report = provision(fake_machine(Host(tmp_path)), steps=[step])

    assert (report.exit_code, report.steps[0].state) == (1, "problem")
    assert report.summary == "ci: nothing to do; 2 problems that only you can mend."


def test_a_key_that_is_not_authorised_yet_is_authorised_through_incus_and_then_used(tmp_path: Path) -> None:
    incus = Host(tmp_path)
    ssh = Host(tmp_path, KeyRefusedError("not this key"))

    def accept(*_: Any) -> tuple[str, ...]:
        ssh.refusal = None  # the key is there now
        return ()

    machine = fake_machine(ssh, through_incus=incus)
    provision(machine, steps=[file_step(tmp_path, prove=accept)])

    assert incus.trips == ["look", "apply"]
    assert ssh.trips == ["look", "look"]


REFUSED = KeyRefusedError("sshd does not take it.", details="no", resolution="Run the same again.")


def test_a_key_that_was_just_added_and_is_refused_ends_with_what_was_changed(tmp_path: Path) -> None:
    machine = fake_machine(Host(tmp_path, REFUSED), through_incus=Host(tmp_path))

    with pytest.raises(HostError) as caught:
        provision(machine, steps=[file_step(tmp_path, name="ssh")])

    assert (tmp_path / "ssh").read_text() == "new"
    assert caught.value.brief == "ci was changed, and could not be looked at again over SSH."
    assert caught.value.details == "sshd does not take it.\nno"
    assert caught.value.resolution == STILL_REFUSED


@pytest.mark.parametrize("check", [True, False])
def test_a_key_that_is_there_and_refused_is_a_problem(tmp_path: Path, check: bool) -> None:
    (tmp_path / "ssh").write_text("new")
    machine = fake_machine(Host(tmp_path, REFUSED), through_incus=Host(tmp_path))

    report = provision(machine, check=check, steps=[file_step(tmp_path, name="ssh")])

    assert (report.exit_code, report.changed, report.steps[0].problems) == (1, False, (STILL_REFUSED,))
    assert report.summary == "ci: nothing to do; 1 problem that only you can mend."


def test_what_else_is_to_be_done_where_sshd_refuses_the_key_goes_through_incus(tmp_path: Path) -> None:
    (tmp_path / "ssh").write_text("new")
    ssh, incus = Host(tmp_path, REFUSED), Host(tmp_path)

    report = provision(
        fake_machine(ssh, through_incus=incus), steps=[file_step(tmp_path, name="ssh"), file_step(tmp_path)]
    )

    assert [step.state for step in report.steps] == ["problem", "changed"]
    assert [bool(step.problems) for step in report.steps] == [True, False]
    assert (ssh.trips, incus.trips) == (["look"], ["look", "apply", "look"])


def test_a_key_that_is_not_there_yet_is_drift_and_no_problem(tmp_path: Path) -> None:
    machine = fake_machine(Host(tmp_path, REFUSED), through_incus=Host(tmp_path))

    report = provision(machine, check=True, steps=[file_step(tmp_path, name="ssh")])

    assert (report.exit_code, report.steps[0].state) == (1, "drift")


def test_a_host_that_is_gone_after_the_changes_is_said_to_be_changed(tmp_path: Path) -> None:
    class Leaving(Host):
        def run(self, *args: Any, **more: Any) -> Completed:
            if "apply" in self.trips:
                self.refusal = UnreachableError("gone", resolution="Look for it.")
            return super().run(*args, **more)

    with pytest.raises(HostError) as caught:
        provision(fake_machine(Leaving(tmp_path)), steps=[file_step(tmp_path)])

    assert caught.value.brief == "ci was changed, and could not be looked at again."
    assert (caught.value.details, caught.value.resolution) == ("gone", "Look for it.")


def test_a_host_that_cannot_be_reached_is_not_reached_another_way(tmp_path: Path) -> None:
    incus = Host(tmp_path)
    machine = fake_machine(Host(tmp_path, UnreachableError("gone")), through_incus=incus)

    with pytest.raises(UnreachableError):
        provision(machine, steps=[file_step(tmp_path)])

    assert incus.trips == []


def test_a_pat_file_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "pat"
    path.write_text(PAT)
    path.chmod(0o644)
    machine = fake_machine(Host(tmp_path), host_table(pat={"file": str(path)}))

    report = provision(machine, steps=[file_step(tmp_path, name="hub-login")])

    assert "chmod 600" in report.to_text()


def test_the_json_has_the_shape_that_its_docstring_tells(tmp_path: Path) -> None:
    value = provision(fake_machine(Host(tmp_path)), check=True, steps=[file_step(tmp_path)]).to_json()

    assert json.loads(json.dumps(value)) == {
        "host": "ci",
        "check": True,
        "changed": False,
        "exit_code": 1,
        "steps": [
            {
                "name": "file",
                "state": "drift",
                "why": "file is old",
                "changes": ["file is old"],
                "diff": "-old\n+new",
                "warnings": [],
                "problems": [],
            }
        ],
    }
