import pytest

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.facts.units import units

SHOWN = b"""Result=success
Id=a.timer
LoadState=loaded
ActiveState=active
SubState=waiting
UnitFileState=enabled
NeedDaemonReload=yes
DropInPaths=/etc/systemd/system/a.timer.d/x.conf /etc/systemd/system/a.timer.d/y.conf

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


@pytest.mark.parametrize("answer", [Absent(), Unreadable("no bus")])
def test_without_systemd_there_is_no_telling(answer: Absent | Unreadable) -> None:
    fact = units("a.timer")

    assert fact.parse(Answers({fact.probes[0]: answer})) == answer
