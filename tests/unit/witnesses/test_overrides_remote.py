"""The host program that reads dockerd's environment: what it has, nothing, and nobody knows."""

from pathlib import Path

import pytest

from ccci_host.facts.answers import Unreadable
from ccci_host.facts.collector import Answers
from ccci_host.witnesses import host
from ccci_host.witnesses.overrides_remote import found, redirections

SET = b"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1"


def process(proc: Path, number: int, name: str, *environment: bytes) -> None:
    folder = proc / str(number)
    folder.mkdir()
    (folder / "comm").write_text(f"{name}\n")
    (folder / "environ").write_bytes(b"".join(one + b"\0" for one in environment))


def test_the_variable_is_found_in_each_dockerd_and_in_no_other_process(tmp_path: Path) -> None:
    process(tmp_path, 1, "systemd", SET)
    process(tmp_path, 20, "dockerd", b"PATH=/bin", SET)
    process(tmp_path, 30, "dockerd", SET, b"HOME=/root")
    assert found(tmp_path) == [SET.decode(), SET.decode()]


def test_a_dockerd_without_the_variable_overrides_nothing(tmp_path: Path) -> None:
    process(tmp_path, 20, "dockerd")
    assert found(tmp_path) == []


@pytest.mark.parametrize("value", [b"", b"0", b"2", b"true", b"1 "])
def test_a_value_that_dockerd_does_not_obey_overrides_nothing(value: bytes, tmp_path: Path) -> None:
    process(tmp_path, 20, "dockerd", b"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=" + value)
    assert found(tmp_path) == []


def test_a_process_whose_name_is_cut_in_mid_character_hides_no_dockerd(tmp_path: Path) -> None:
    process(tmp_path, 10, "other")
    (tmp_path / "10" / "comm").write_bytes("vierzehn-bytesü".encode()[:15] + b"\n")
    process(tmp_path, 20, "dockerd", SET)
    assert found(tmp_path) == [SET.decode()]


def test_where_no_dockerd_is_to_be_seen_nothing_is_known(tmp_path: Path) -> None:
    process(tmp_path, 1, "systemd", SET)
    (tmp_path / "30").mkdir()
    with pytest.raises(SystemExit, match="no process called dockerd"):
        found(tmp_path)


@pytest.mark.parametrize("folder", ["docker.io", "registry-1.docker.io", "_default"])
@pytest.mark.parametrize("content", ['server = "https://cache:5000"\n', '\n[host."http://cache"]\n'])
def test_a_file_that_names_another_host_redirects(tmp_path: Path, folder: str, content: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "hosts.toml").write_text(content)
    assert redirections(tmp_path) == [f"{tmp_path}/{folder}/hosts.toml"]


def test_certificates_and_other_registries_redirect_nothing(tmp_path: Path) -> None:
    for folder, content in (("docker.io", 'ca = "/ca.crt"\n'), ("ghcr.io", 'server = "http://cache"\n')):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hosts.toml").write_text(content)
    assert redirections(tmp_path) == []
    assert redirections(tmp_path / "missing") == []


def test_what_the_program_could_not_tell_is_a_problem() -> None:
    unasked = dict.fromkeys(host.MORE.probes, Unreadable("no process called dockerd is to be seen"))
    seen = host.parse(Answers(unasked))
    assert seen.pull_overrides == ()
    assert seen.pull_overrides_problem == "dockerd's environment is unreadable"
