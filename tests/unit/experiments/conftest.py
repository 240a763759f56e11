"""Fixtures of the experiments' tests."""

from collections.abc import Callable

import pytest

from ccci_host.records import StoreSeen
from tests.unit.experiments.fakes import FakeStore


@pytest.fixture
def without_witnesses(monkeypatch: pytest.MonkeyPatch) -> Callable[[StoreSeen], None]:
    """Leaves the store as the one witness; what it sees is given."""

    def only(seen: StoreSeen) -> None:
        monkeypatch.setattr("ccci_host.experiments.run.moment_witnesses", lambda: (FakeStore(seen),))
        monkeypatch.setattr("ccci_host.experiments.run.stretch_witnesses", tuple)

    return only
