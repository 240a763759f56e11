"""In an Incus of others a lab takes nothing over that it did not make."""

from pathlib import Path

import pytest

from ccci_host.errors import RefusedError
from ccci_host.lab import ownership
from ccci_host.lab.settings import USUAL_FOLDER, Settings
from tests.unit.lab.fake_incus import FakeIncus

SETTINGS = Settings.for_folder(USUAL_FOLDER)
PLACES = ("projects/ccci-lab", "storage-pools/ccci-lab", "networks/ccci0")


def test_what_is_not_there_yet_is_free() -> None:
    ownership.check_unclaimed(FakeIncus(), SETTINGS)


def test_what_the_lab_made_is_its_own() -> None:
    made = {place: {"config": ownership.mark(SETTINGS)} for place in PLACES}
    ownership.check_unclaimed(FakeIncus(made), SETTINGS)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("config", [{}, {ownership.MARK: "/another/lab"}])
def test_what_somebody_else_made_is_refused(place: str, config: dict[str, str]) -> None:
    kind, _, name = place.partition("/")
    with pytest.raises(RefusedError, match=f"has {name} among its {kind}, and the lab in {USUAL_FOLDER} did"):
        ownership.check_unclaimed(FakeIncus({place: {"config": config}}), SETTINGS)


def test_another_lab_is_seen_and_a_stranger_s_project_is_none() -> None:
    incus = FakeIncus({"projects/default": {"config": {}}, PLACES[0]: {"config": ownership.mark(SETTINGS)}})
    assert not ownership.others(incus, SETTINGS)
    assert ownership.others(incus, Settings.for_folder(Path("/another/lab")))
