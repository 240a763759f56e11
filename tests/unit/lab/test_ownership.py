"""In an Incus of others a lab takes nothing over that it did not make."""

from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import RefusedError
from ccci_host.lab import ownership
from ccci_host.lab.settings import USUAL_FOLDER, Settings
from tests.unit.lab.fake_incus import FakeIncus

SETTINGS = Settings.for_folder(USUAL_FOLDER)
PLACES = ("projects/ccci-lab", "storage-pools/ccci-lab", "networks/ccci0")


def test_what_is_not_there_yet_is_free() -> None:
    ownership.claim(FakeIncus(), SETTINGS)


def test_what_the_lab_made_is_its_own() -> None:
    made = {place: {"config": ownership.mark(SETTINGS)} for place in PLACES}
    ownership.claim(FakeIncus(made), SETTINGS)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("config", [{}, {ownership.MARK: "/another/lab"}])
def test_what_somebody_else_made_is_refused(place: str, config: dict[str, str]) -> None:
    kind, _, name = place.partition("/")
    with pytest.raises(RefusedError, match=f"has {name} among its {kind}, and the lab in {USUAL_FOLDER} did"):
        ownership.claim(FakeIncus({place: {"config": config}}), SETTINGS)


@pytest.mark.parametrize("left", [PLACES, PLACES[1:]])
def test_what_a_lab_made_before_there_were_marks_is_marked(left: tuple[str, ...]) -> None:
    """Its pool lies in the lab's folder, which nobody else's does."""
    made: dict[str, dict[str, Any]] = {place: {"config": {"volatile.x": "1"}} for place in left}
    made[PLACES[1]]["config"]["source"] = str(SETTINGS.pool)
    incus = FakeIncus(made)
    ownership.claim(incus, SETTINGS)
    assert [incus.objects[place]["config"][ownership.MARK] for place in left] == [str(USUAL_FOLDER)] * len(
        left
    )
    ownership.claim(incus, SETTINGS)
    assert len(incus.changes) == len(left)


def test_another_lab_is_seen_and_a_stranger_s_project_is_none() -> None:
    incus = FakeIncus({"projects/default": {"config": {}}, PLACES[0]: {"config": ownership.mark(SETTINGS)}})
    assert not ownership.others(incus, SETTINGS)
    assert ownership.others(incus, Settings.for_folder(Path("/another/lab")))
