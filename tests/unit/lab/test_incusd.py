"""Whose Incus the lab uses: its own, or this machine's; and that the choice is kept."""

from pathlib import Path

import pytest

from ccci_host.errors import ConfigError, HostError, UnreachableError
from ccci_host.lab import incusd
from ccci_host.lab.incusd import Daemon
from ccci_host.lab.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(incusd, "MACHINES_SOCKET", tmp_path / "machine" / "unix.socket")
    settings = Settings.for_folder(tmp_path / "lab")
    settings.folder.mkdir()
    return settings


def answering(monkeypatch: pytest.MonkeyPatch, *sockets: Path) -> None:
    monkeypatch.setattr(incusd, "answers", lambda socket: socket in sockets)


def test_where_no_incus_runs_the_lab_has_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    daemon = Daemon(settings)
    assert daemon.is_own
    assert daemon.socket == settings.incus / "unix.socket"
    assert daemon.client_environment == {"INCUS_DIR": str(settings.incus)}


def test_a_choice_that_was_cut_off_while_it_was_written_is_made_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.daemon.touch()
    answering(monkeypatch)
    assert Daemon(settings).is_own
    answering(monkeypatch, incusd.MACHINES_SOCKET)
    Daemon(settings).ensure_running()
    assert settings.daemon.read_text()


def test_where_one_runs_it_is_used_and_none_is_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, incusd.MACHINES_SOCKET)
    monkeypatch.setattr(incusd, "PROGRAM", Path("/none"))
    daemon = Daemon(settings)
    daemon.ensure_running()
    assert not daemon.is_own
    assert daemon.socket == incusd.MACHINES_SOCKET


def test_a_lab_of_its_own_stays_so_when_another_incus_comes_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, settings.incus / "unix.socket")
    Daemon(settings).ensure_running()
    answering(monkeypatch, settings.incus / "unix.socket", incusd.MACHINES_SOCKET)
    assert Daemon(settings).is_own


def test_a_lab_in_the_machine_s_incus_waits_for_that_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, incusd.MACHINES_SOCKET)
    Daemon(settings).ensure_running()
    answering(monkeypatch)
    with pytest.raises(UnreachableError, match="The lab lives in this machine's Incus") as raised:
        Daemon(settings).ensure_running()
    assert "systemctl start incus" in raised.value.resolution


def test_a_path_too_long_for_a_socket_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch)
    long = Settings.for_folder(tmp_path / ("x" * 90))
    long.folder.mkdir()
    with pytest.raises(ConfigError, match="too long a path for a unix socket"):
        Daemon(long).ensure_running()


def test_a_daemon_that_ends_at_once_is_quoted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch)
    program = tmp_path / "incusd"
    program.write_text("#!/bin/sh\necho Error: no luck >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(incusd, "PROGRAM", program)
    with pytest.raises(HostError, match="ended at once, with exit code 1") as raised:
        Daemon(settings).ensure_running()
    assert "no luck" in raised.value.details


def test_a_file_or_nothing_in_place_of_a_socket_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not incusd.answers(tmp_path / "file")
    assert not incusd.answers(tmp_path / "nothing")
