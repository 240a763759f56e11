"""The agent on the host, against what this checkout would install."""

import json
from typing import Any

import pytest

from ccci_host.agent import paths
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import HashFile
from ccci_host.records import AgentSeen
from ccci_host.transport.executor import Completed
from ccci_host.witnesses import agent
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine

UNITS = "\n".join(
    f"Id={name}\nLoadState=loaded\nActiveState=active\nSubState=x\nUnitFileState=enabled\nResult=success\n"
    f"NeedDaemonReload={'yes' if name == paths.TIMER else 'no'}\n"
    "NextElapseUSecRealtime=Wed 2026-11-25 04:00:00 UTC\n"
    f"DropInPaths=/run/systemd/system/{name}.d/x.conf /etc/systemd/system/{name.rpartition('.')[2]}.d/y.conf"
    "\n"
    for name in paths.UNITS
).encode()


def seen(monkeypatch: pytest.MonkeyPatch, *, file: Answer, unit: Answer, last: Answer) -> AgentSeen:
    """The agent of a host on which every file, every unit and the note are as given."""

    def collect(machine: object, fact: Fact[Any]) -> dict[Fact[Any], Any]:
        def answer(probe: Any) -> Answer:
            if isinstance(probe, HashFile):
                return file
            return last if probe == agent._LAST else unit

        return {fact: fact.parse(Answers({probe: answer(probe) for probe in fact.probes}))}

    monkeypatch.setattr(agent, "collect", collect)
    return agent.look(fake_machine(FakeExecutor()), {"/usr/local/bin/x": "a" * 64}, "start")


def test_a_file_is_as_built_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(monkeypatch, file=Present(b"a" * 64), unit=Present(UNITS), last=Absent())
    assert [(one.path, one.state) for one in found.files] == [("/usr/local/bin/x", "as-built")]
    assert found.problem is None


@pytest.mark.parametrize(
    ("answer", "state"),
    [(Present(b"b" * 64), "altered"), (Absent(), "absent"), (Unreadable("denied"), "unreadable")],
)
def test_altered_absent_and_unreadable_are_three_answers(
    answer: Answer, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = seen(monkeypatch, file=answer, unit=Present(UNITS), last=Absent())
    assert found.files[0].state == state
    assert found.files[0].detail or state == "absent"


def test_units_are_told_in_systemds_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(monkeypatch, file=Absent(), unit=Present(UNITS), last=Absent())
    assert [one.name for one in found.units] == list(paths.UNITS)
    timer = found.units[paths.UNITS.index(paths.TIMER)]
    assert (timer.load, timer.active, timer.enabled) == ("loaded", "active", "enabled")
    assert found.next_tick == "Wed 2026-11-25 04:00:00 UTC"


def test_what_alters_a_unit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What alters all units of its type is not: Incus' images bring such."""
    found = seen(monkeypatch, file=Absent(), unit=Present(UNITS), last=Absent())
    assert [one.drop_ins for one in found.units] == [
        (f"/run/systemd/system/{name}.d/x.conf",) for name in paths.UNITS
    ]
    assert [one.name for one in found.units if one.needs_reload] == [paths.TIMER]


def test_a_systemd_that_does_not_answer_is_a_problem_and_not_an_inactive_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = seen(monkeypatch, file=Absent(), unit=Unreadable("no bus"), last=Absent())
    assert found.units == ()
    assert paths.TIMER in (found.problem or "")
    assert found.next_tick is None


@pytest.mark.parametrize(
    ("last", "note"),
    [
        (Present(json.dumps({"exit_code": 0}).encode()), {"exit_code": 0}),
        (Absent(), None),
        (Unreadable("permission denied"), {"unreadable": "permission denied"}),
        (Present(b"{"), {"unreadable": "the note of the last tick is no JSON"}),
        (Present(b"[]"), {"unreadable": "the note of the last tick is no object"}),
    ],
)
def test_the_last_tick_is_the_agents_own_note(
    last: Answer, note: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seen(monkeypatch, file=Absent(), unit=Present(UNITS), last=last).last_run == note


def test_a_host_that_cannot_be_asked_is_a_problem() -> None:
    failing = FakeExecutor({"python3 -I -c": Completed((), 1, b"", b"Killed", "the fake host")})
    assert "Killed" in (agent.look(fake_machine(failing), {}, "start").problem or "")
