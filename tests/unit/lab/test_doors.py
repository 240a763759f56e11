"""Incus' HTTPS door: opened, found open, and closed without touching what is not the lab's."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ccci_host.lab import ownership
from ccci_host.lab.doors import HttpsDoor
from ccci_host.lab.keys import Keys
from ccci_host.lab.settings import Settings
from tests.unit.lab.fake_incus import FakeIncus

SETTINGS = Settings.for_folder(Path("/lab/of/this/test"))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys(tmp_path)
    keys.ensure()
    return keys


def server(**config: str) -> FakeIncus:
    return FakeIncus({"": {"config": config, "environment": {"certificate": "the server's"}}})


def test_a_closed_server_listens_on_loopback_and_trusts_the_client(keys: Keys) -> None:
    incus = server()
    assert HttpsDoor(incus, keys).ensure_open(SETTINGS, ()) == f"https://127.0.0.1:{SETTINGS.https_port}"
    assert incus.objects[""]["config"]["core.https_address"] == f"127.0.0.1:{SETTINGS.https_port}"
    assert keys.server_cert.read_text() == "the server's"
    trusted = incus.objects["certificates/ccci-lab"]
    assert trusted["type"] == "client"
    assert not trusted["restricted"]


def test_a_client_of_a_shared_server_is_held_to_the_lab_s_project(keys: Keys) -> None:
    incus = server()
    HttpsDoor(incus, keys).ensure_open(SETTINGS, ("ccci-lab",))
    trusted = incus.objects["certificates/ccci-lab"]
    assert (trusted["restricted"], trusted["projects"]) == (True, ["ccci-lab"])


def test_an_open_and_trusting_server_is_left_alone(keys: Keys) -> None:
    incus = server(**{"core.https_address": "192.0.2.1:8443"})
    incus.objects[f"certificates/{keys.client_fingerprint()}"] = {"type": "client"}
    assert HttpsDoor(incus, keys).ensure_open(SETTINGS, ()) == "https://192.0.2.1:8443"
    assert incus.changes == []


@pytest.mark.parametrize("everywhere", [":8443", "[::]:8443", "0.0.0.0:8443"])
def test_a_server_that_listens_everywhere_is_reached_on_loopback(keys: Keys, everywhere: str) -> None:
    door = HttpsDoor(server(**{"core.https_address": everywhere}), keys)
    assert door.ensure_open(SETTINGS, ()) == "https://127.0.0.1:8443"


def test_closing_takes_back_what_the_lab_opened(keys: Keys) -> None:
    incus = server()
    door = HttpsDoor(incus, keys)
    door.ensure_open(SETTINGS, ())
    door.close(SETTINGS)
    assert ("delete", f"certificates/{keys.client_fingerprint()}") in incus.changes
    assert incus.objects[""]["config"]["core.https_address"] == ""


def test_closing_leaves_an_address_that_somebody_else_set(keys: Keys) -> None:
    incus = server(**{"core.https_address": "192.0.2.1:8443"})
    door = HttpsDoor(incus, keys)
    door.ensure_open(SETTINGS, ())
    door.close(SETTINGS)
    assert incus.objects[""]["config"]["core.https_address"] == "192.0.2.1:8443"


def test_closing_leaves_the_door_to_another_lab_that_lives_there(keys: Keys) -> None:
    incus = server()
    incus.create("projects", {"name": "ccci-lab-2", "config": {ownership.MARK: "/another/lab"}})
    door = HttpsDoor(incus, keys)
    door.ensure_open(SETTINGS, ())
    door.close(SETTINGS)
    assert incus.objects[""]["config"]["core.https_address"] != ""


def test_a_port_that_somebody_listens_on_is_passed_over(keys: Keys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = replace(SETTINGS, https_port=port)
        assert HttpsDoor(server(), keys).ensure_open(settings, ()) != f"https://127.0.0.1:{port}"
