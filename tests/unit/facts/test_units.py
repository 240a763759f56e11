import pytest

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.units import Unit, units

SHOWN = b"""Result=success
Id=a.timer
LoadState=loaded
ActiveState=active
SubState=waiting
UnitFileState=enabled
NeedDaemonReload=yes
DropInPaths=/etc/systemd/system/a.timer.d/x.conf /etc/systemd/system/a.timer.d/y.conf
NextElapseUSecRealtime=Wed 2026-11-25 04:00:00 UTC

Id=b.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
NeedDaemonReload=no
DropInPaths=
"""


def test_each_unit_has_its_block() -> None:
    fact = units("a.timer", "b.service")

    seen = fact.parse(Answers({fact.probes[0]: Present(SHOWN)}))

    assert not isinstance(seen, Absent | Unreadable)
    assert seen["a.timer"].needs_reload
    assert [path.rpartition("/")[2] for path in seen["a.timer"].drop_ins] == ["x.conf", "y.conf"]
    assert (seen["b.service"].load, seen["b.service"].file_state) == ("not-found", "")
    assert seen["a.timer"].next_elapse == "Wed 2026-11-25 04:00:00 UTC"
    assert seen["b.service"].next_elapse == ""


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/etc/systemd/system/a-b.timer.d/x.conf", True),
        ("/run/systemd/system/a-b.timer.d/x.conf", True),
        ("/usr/lib/systemd/system/a-b.timer.d/x.conf", True),
        ("/run/systemd/system.control/a-b.timer.d/50-x.conf", True),
        ("/etc/systemd/system/a-.timer.d/x.conf", True),
        ("/run/systemd/system/timer.d/x.conf", False),
    ],
)
def test_a_drop_in_is_of_a_unit_or_of_all_of_its_type(path: str, own: bool) -> None:
    unit = Unit("a-b.timer", "loaded", "active", "waiting", "enabled", False, (path,), "success")

    assert (unit.own_drop_ins, unit.shared_drop_ins) == (((path,), ()) if own else ((), (path,)))


@pytest.mark.parametrize("answer", [Absent(), Unreadable("no bus")])
def test_without_systemd_there_is_no_telling(answer: Absent | Unreadable) -> None:
    fact = units("a.timer")

    assert fact.parse(Answers({fact.probes[0]: answer})) == answer
