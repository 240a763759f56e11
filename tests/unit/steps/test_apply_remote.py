"""The program that changes a host, run on files of its own."""

import base64
import json
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccci_host.secret import Secret
from ccci_host.steps.operations import (
    PROGRAM,
    AddLine,
    MakeFolder,
    MergeLogin,
    Operation,
    RunCommand,
    WriteFile,
)
from tests.unit.programs import interpreters, run

pytestmark = pytest.mark.parametrize("python", interpreters())
KEY = "https://index.docker.io/v1/"
ENTRY = Secret(base64.b64encode(b"me:not-a-real-pat").decode())


@pytest.fixture
def program(tmp_path: Path) -> str:
    return PROGRAM.replace("/run/ccci-host-provision.lock", str(tmp_path / "lock"))


def do(python: str, program: str, *operations: Operation) -> Any:
    return run(python, program, {"operations": [operation.wire() for operation in operations]})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_operations_are_done_in_their_order(python: str, program: str, tmp_path: Path) -> None:
    made = tmp_path / "a" / "b" / "file"

    answer = do(
        python,
        program,
        WriteFile(str(made), b"new", 0o755),
        RunCommand(("cp", str(made), str(tmp_path / "copy"))),
        MakeFolder(str(tmp_path / "a"), 0o700),
    )

    assert answer == {"done": 3, "what": "", "failed": None}
    assert (made.read_bytes(), mode(made), mode(made.parent)) == (b"new", 0o755, 0o755)
    assert (tmp_path / "copy").read_bytes() == b"new"
    assert mode(tmp_path / "a") == 0o700


def test_a_file_is_replaced_in_one_move_and_what_a_killed_run_left_is_cleared(
    python: str, program: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    (tmp_path / ".file.ccci-new").write_text("half of it")
    with path.open() as reader:
        do(python, program, WriteFile(str(path), b"new"))

        assert reader.read() == "old", "whoever reads it meanwhile reads the old file whole"
    assert path.read_text() == "new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "lock"]


@pytest.mark.parametrize("before", [b"", b"theirs\n", b"theirs", b"ssh-rsa A Malm\xf6\n\n"])
def test_a_line_is_added_to_what_is_there_now(
    before: bytes, python: str, program: str, tmp_path: Path
) -> None:
    """Somebody may have added a key since the file was looked at, and comments need not be UTF-8."""
    path, link = tmp_path / "keys", tmp_path / "link"
    link.symlink_to(path)
    if before:
        path.write_bytes(before)
    ours = b"\nours\n" if before == b"theirs" else b"ours\n"
    for _ in range(2):
        assert do(python, program, AddLine(str(link), "ours"))["failed"] is None
        assert path.read_bytes() == before + ours
    assert (link.is_symlink(), mode(path)) == (True, 0o600)


@contextmanager
def no_room_above(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes, here and in a child."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_for_which_there_is_no_room_leaves_all_undone(
    python: str, program: str, tmp_path: Path
) -> None:
    """The watcher is stopped before its archive is replaced: on a full disk it is not stopped at all."""
    first, marker, archive = tmp_path / "first", tmp_path / "marker", tmp_path / "archive"
    first.write_text("old")
    archive.write_text("old")

    with no_room_above(1 << 16):
        answer = do(
            python,
            program,
            WriteFile(str(first), b"new"),
            RunCommand(("touch", str(marker))),
            WriteFile(str(archive), b"x" * (1 << 17)),
        )

    assert (answer["done"], answer["what"]) == (0, f"`write {archive}`")
    assert "File too large" in answer["failed"]
    assert (first.read_text(), archive.read_text()) == ("old", "old")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "first", "lock"]


def test_a_file_goes_into_a_folder_that_an_operation_before_it_makes(
    python: str, program: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"

    answer = do(python, program, MakeFolder(str(made), 0o700), WriteFile(str(made / "file"), b"new"))

    assert answer["failed"] is None
    assert ((made / "file").read_bytes(), mode(made)) == (b"new", 0o700)


def test_what_is_done_to_a_file_twice_is_done_in_its_order(python: str, program: str, tmp_path: Path) -> None:
    path, seen = tmp_path / "file", tmp_path / "seen"

    answer = do(
        python,
        program,
        AddLine(str(path), "line"),
        WriteFile(str(path), b"first"),
        RunCommand(("cp", str(path), str(seen))),
        WriteFile(str(path), b"second"),
    )

    assert (answer["done"], answer["failed"]) == (4, None)
    assert (seen.read_bytes(), path.read_bytes()) == (b"first", b"second")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "lock", "seen"]


def test_it_stops_at_the_first_failure_and_says_why(python: str, program: str, tmp_path: Path) -> None:
    answer = do(
        python,
        program,
        WriteFile(str(tmp_path / "first"), b""),
        RunCommand(("sh", "-c", "echo no >&2; exit 4")),
        WriteFile(str(tmp_path / "third"), b""),
    )

    assert answer["done"] == 1
    assert answer["failed"] == "exit code 4: no"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "lock"]


def test_a_file_that_cannot_be_put_leaves_nothing_beside_its_place(
    python: str, program: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    assert "directory" in do(python, program, WriteFile(str(tmp_path / "folder"), b"new"))["failed"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "lock"]


def test_an_unknown_command_is_a_failure_too(python: str, program: str) -> None:
    assert "no-such-command" in do(python, program, RunCommand(("no-such-command",)))["failed"]


def test_a_login_is_merged_and_all_else_stays(python: str, program: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    before = {"auths": {"ghcr.io": {"auth": "x"}, KEY: {"auth": "old", "email": "me"}}, "psFormat": "table"}
    path.write_text(json.dumps(before))
    path.chmod(0o644)

    assert do(python, program, MergeLogin(str(path), KEY, ENTRY))["failed"] is None

    assert json.loads(path.read_text()) == {
        "auths": {"ghcr.io": {"auth": "x"}, KEY: {"auth": ENTRY.reveal()}},
        "psFormat": "table",
    }
    assert mode(path) == 0o600


def test_a_configuration_with_nulls_takes_a_login(python: str, program: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"auths": null, "credHelpers": null, "credsStore": null}')

    assert do(python, program, MergeLogin(str(path), KEY, ENTRY))["failed"] is None

    after = {"auths": {KEY: {"auth": ENTRY.reveal()}}, "credHelpers": None, "credsStore": None}
    assert json.loads(path.read_text()) == after


def test_a_first_login_makes_the_folder_for_its_user_alone(python: str, program: str, tmp_path: Path) -> None:
    path = tmp_path / ".docker" / "config.json"

    do(python, program, MergeLogin(str(path), KEY, ENTRY))

    assert json.loads(path.read_text()) == {"auths": {KEY: {"auth": ENTRY.reveal()}}}
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


@pytest.mark.parametrize(
    "before", [{"credsStore": "pass"}, {"credHelpers": {KEY: "pass", "ghcr.io": "pass"}}]
)
def test_a_credential_helper_is_set_aside_for_this_registry_alone(
    python: str, program: str, tmp_path: Path, before: dict[str, Any]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(before))

    do(python, program, MergeLogin(str(path), KEY, ENTRY))

    after = json.loads(path.read_text())
    assert after["credHelpers"] == {**before.get("credHelpers", {}), KEY: ""}
    assert after.get("credsStore") == before.get("credsStore")


def test_a_linked_configuration_stays_a_link(python: str, program: str, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "config.json"
    real.write_text("{}")
    link = tmp_path / "config.json"
    link.symlink_to(real)

    do(python, program, MergeLogin(str(link), KEY, ENTRY))

    assert link.is_symlink()
    assert KEY in real.read_text()


def test_a_broken_configuration_is_left_as_it_is(python: str, program: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{ broken")

    answer = do(python, program, MergeLogin(str(path), KEY, ENTRY))

    assert answer["failed"]
    assert ENTRY.reveal() not in json.dumps(answer)
    assert path.read_text() == "{ broken"
