import pytest
from pydantic import ValidationError

from ccci_host.lab.hub.faults import Fault, FaultTable, Request

LAYER = Request(
    registry="docker.io", kind="layer", method="GET", repository="harbour/guestbook", account="ccci"
)


def test_a_fault_hits_what_it_names_and_nothing_else() -> None:
    table = FaultTable()
    table.inject(Fault(effect="cut", kind="layer", repository="harbour/guestbook"))
    assert table.strike(LAYER) is not None
    for other in ({"kind": "manifest"}, {"repository": "harbour/notes"}):
        assert table.strike(LAYER.model_copy(update=other)) is None


def test_a_fault_of_n_times_bites_n_times_and_counts() -> None:
    table = FaultTable()
    number = table.inject(Fault(effect="status", status=500, times=2))
    assert [table.strike(LAYER) is not None for _ in range(3)] == [True, True, False]
    assert table.bitten[number] == 2


def test_withdrawing_says_how_often_it_had_bitten() -> None:
    table = FaultTable()
    number = table.inject(Fault(effect="slow", seconds=0.1))
    table.strike(LAYER)
    assert table.withdraw(number) == 1
    assert table.strike(LAYER) is None
    assert table.withdraw(number) == 0


def test_the_first_fault_that_is_not_over_bites() -> None:
    table = FaultTable()
    table.inject(Fault(effect="status", status=500, times=1))
    table.inject(Fault(effect="status", status=429))
    struck = [table.strike(LAYER) for _ in range(2)]
    assert [fault.status for fault in struck if fault] == [500, 429]


def test_numbers_are_never_used_twice() -> None:
    table = FaultTable()
    first = table.inject(Fault(effect="cut"))
    table.withdraw(first)
    assert table.inject(Fault(effect="cut")) != first


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"effect": "explode"})
    with pytest.raises(ValidationError):
        Fault.model_validate({"effect": "slow", "seconds": -1})
