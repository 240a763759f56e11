"""The lab's bridge: made, mended, set right, or left alone."""

from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import HostError
from ccci_host.lab import network, ownership
from ccci_host.lab.settings import USUAL_FOLDER, Settings
from tests.unit.lab.fake_incus import FakeIncus

SETTINGS = Settings.for_folder(USUAL_FOLDER)
BRIDGE = "networks/ccci0"
NAMES = ("registry-1.docker.io", "auth.docker.io")
RIGHT = {
    ownership.MARK: str(USUAL_FOLDER),
    "ipv4.address": "10.77.0.1/24",
    "ipv4.nat": "true",
    "ipv6.address": "none",
    "raw.dnsmasq": "address=/auth.docker.io/registry-1.docker.io/10.77.0.1",
}


@pytest.fixture(autouse=True)
def _dnsmasq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_answers", lambda _: True)


def made(status: str = "Created", **changed: str) -> FakeIncus:
    return FakeIncus({BRIDGE: {"status": status, "config": {**RIGHT, **changed}}})


def test_a_missing_bridge_is_made_and_the_hub_s_names_point_at_it() -> None:
    incus = FakeIncus()
    network.ensure(incus, SETTINGS, NAMES)
    assert incus.objects[BRIDGE]["config"] == RIGHT


def test_a_right_bridge_is_left_alone() -> None:
    incus = made(**{"volatile.bridge.hwaddr": "10:66:6a:00:00:01"})
    network.ensure(incus, SETTINGS, NAMES)
    assert incus.changes == []


def test_a_bridge_that_was_cut_off_half_way_is_made_anew() -> None:
    incus = made(status="Errored")
    network.ensure(incus, SETTINGS, NAMES)
    assert incus.changes == [("delete", BRIDGE), ("create", BRIDGE)]


def test_a_bridge_that_incus_is_about_to_start_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    incus = made(status="Unavailable")
    looks = []

    def find(path: str) -> dict[str, Any]:
        looks.append(path)
        return {**incus.objects[path], "status": "Unavailable" if len(looks) < 3 else "Created"}

    monkeypatch.setattr(incus, "find", find)
    network.ensure(incus, SETTINGS, NAMES)
    assert len(looks) == 3
    assert incus.changes == []


def test_a_bridge_that_could_not_be_taken_away_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    incus, remove = made(), FakeIncus.delete
    tries = []

    def delete(path: str) -> None:
        tries.append(path)
        if len(tries) == 1:
            raise HostError("the link veth1 does not exist")
        remove(incus, path)

    monkeypatch.setattr(incus, "delete", delete)
    network.remove(incus, SETTINGS)
    assert incus.objects == {}


def test_names_that_changed_are_set() -> None:
    incus = made()
    network.ensure(incus, SETTINGS, (*NAMES, "ghcr.io"))
    assert incus.changes == [("patch", BRIDGE)]
    assert "/ghcr.io/" in incus.objects[BRIDGE]["config"]["raw.dnsmasq"]


def test_a_dnsmasq_that_was_killed_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_answers", lambda _: False)
    incus = made()
    network.ensure(incus, SETTINGS, NAMES)
    assert incus.changes == [("patch", BRIDGE), ("patch", BRIDGE)]
    assert incus.objects[BRIDGE]["config"] == RIGHT


def test_whether_dnsmasq_answers_is_asked_of_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert not network._answers("127.77.0.1")
