"""The host programs of faults: what they alter, they alter back."""

import json
from importlib import resources
from pathlib import Path

import pytest

from ccci_host.faults.login import PROGRAM as LOGIN
from ccci_host.lab.faults import corrupted_layer
from tests.unit.programs import OURS, interpreters, run

KEY = "https://index.docker.io/v1/"


@pytest.mark.parametrize("python", interpreters())
def test_a_login_is_altered_and_the_rest_of_the_file_kept(python: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {KEY: {"auth": "x"}, "ghcr.io": {"auth": "y"}}, "more": 1}))
    wanted = {"path": str(path), "key": KEY, "auth": "me:wrong"}
    assert run(python, LOGIN, {**wanted, "look": True}) is False
    assert run(python, LOGIN, {**wanted, "look": False}) is True
    assert run(python, LOGIN, {**wanted, "look": True}) is True
    now = json.loads(path.read_text())
    assert now["auths"]["ghcr.io"] == {"auth": "y"}
    assert now["more"] == 1


@pytest.mark.parametrize("python", interpreters())
def test_a_login_is_taken_away(python: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {KEY: {"auth": "x"}}}))
    wanted = {"path": str(path), "key": KEY, "auth": None}
    assert run(python, LOGIN, {**wanted, "look": True}) is False
    assert run(python, LOGIN, {**wanted, "look": False}) is True
    assert json.loads(path.read_text())["auths"] == {}


def test_a_corrupted_layer_is_put_back_to_the_byte(tmp_path: Path) -> None:
    text = resources.files("ccci_host.lab.faults").joinpath("corrupted_remote.py").read_text()
    assert text == corrupted_layer.PROGRAM
    program = text.replace("/var/lib/docker", str(tmp_path)).replace("/run/", f"{tmp_path}/")
    files = [tmp_path / "overlay2" / layer / "diff" / "bin" / "busybox" for layer in ("a", "b")]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"program %d" % number)
    assert run(OURS, program, {"do": "look", "file": "bin/busybox"}) == 0
    assert run(OURS, program, {"do": "harm", "file": "bin/busybox"}) == 2
    assert [file.read_bytes() for file in files] == [b"\0" * 9] * 2
    assert run(OURS, program, {"do": "mend", "file": "bin/busybox"}) == 0
    assert [file.read_bytes() for file in files] == [b"program 0", b"program 1"]
