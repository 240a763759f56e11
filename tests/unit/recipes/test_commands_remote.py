"""The program that runs a harness's commands: what they are given, what is told of them, what is not."""

import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ccci_host.recipes import commands_remote
from ccci_host.recipes.command import PROGRAM
from ccci_host.recipes.commands_remote import MASK, TroubleError, masked, run_all
from tests.unit.processes import wait_for_end, wait_for_pid

FILES = [{"path": "sub/entry.sh", "mode": 0o700, "content": base64.b64encode(b"#!/bin/sh").decode()}]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(commands_remote, "run_folder", lambda: folder)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def payload(*commands: list[str], **more: Any) -> dict[str, Any]:
    return {
        "stack": "shop_test",
        "commands": list(commands),
        "all": False,
        "fields": {"recipe": "shop", "domain": "shop.test", "stack": "shop_test"},
        "files": FILES,
        "env_file": "DOMAIN='shop.test'\n",
        "environment": {},
        "timeout": 20,
        "lending": None,
        "app": {},
        "secrets": [],
        "secret_files": [],
        "logins": [],
        **more,
    }


def test_a_command_gets_the_recipe_the_environment_file_and_the_names(place: Path) -> None:
    look = (
        "stat -c '%a %n' {env_file} {folder} {folder}/sub/entry.sh; cat {env_file}; pwd; echo $HARNESS {{}}"
    )
    [ran] = run_all(payload(["sh", "-c", look], environment={"HARNESS": "abra"}))["ran"]
    assert ran["exit_code"] == 0
    assert ran["stdout"].splitlines() == [
        "600 {env_file}",
        "755 {folder}",
        "700 {folder}/sub/entry.sh",
        "DOMAIN='shop.test'",
        "{folder}",
        "abra {}",
    ]
    assert list(place.iterdir()) == [commands_remote.lock_folder()], "nothing else is left"


def test_what_ran_is_told_with_its_names_and_without_folders_of_the_moment() -> None:
    [ran] = run_all(payload(["echo", "{domain}", "{stack}", "{folder}"]))["ran"]
    assert ran["argv"] == ["echo", "shop.test", "shop_test", "{folder}"]
    assert ran["stdout"] == "shop.test shop_test {folder}"


@pytest.mark.parametrize(("go_on", "codes"), [(False, [0, 3]), (True, [0, 3, 0])])
def test_the_first_that_fails_is_the_last_unless_all_are_wanted(go_on: bool, codes: list[int]) -> None:
    asked = payload(["true"], ["sh", "-c", "exit 3"], ["true"], all=go_on)
    assert [one["exit_code"] for one in run_all(asked)["ran"]] == codes


def test_a_command_that_is_not_there_is_one_that_failed() -> None:
    [ran] = run_all(payload(["no-such-harness-anywhere"]))["ran"]
    assert ran["exit_code"] == 127
    assert "no-such-harness-anywhere" in ran["stderr"]


def test_one_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    slow = f"echo about to; sleep 300 & echo $! > {child}.new; mv {child}.new {child}; wait"
    with pytest.raises(TroubleError, match="did not end within 5 s") as caught:
        run_all(payload(["sh", "-c", slow], timeout=5))
    assert caught.value.kind == "slow"
    assert "about to" in str(caught.value)
    wait_for_end(int(child.read_text()))


LINGERS = "import os, sys, time; {}open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(30)"
CHILDREN = {
    "of the shell's group": LINGERS.format(""),
    "of a group of its own": LINGERS.format("os.setpgid(0, 0); "),
}


@pytest.mark.parametrize("child", CHILDREN)
def test_sigterm_ends_the_command_with_its_children_and_takes_the_files_away(
    child: str, tmp_path: Path
) -> None:
    pid, place = tmp_path / "pid", tmp_path / "place"
    deploys = 'echo $1 > $2; $3 -c "$4" $5; true'
    words = ["{env_file}", str(place), sys.executable, CHILDREN[child].replace("{", "{{"), str(pid)]
    argv = [sys.executable, "-I", "-c", PROGRAM.replace('"/run"', f'"{tmp_path}"')]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        program.stdin.write(json.dumps(payload(["sh", "-c", deploys, "-", *words])).encode())
        program.stdin.close()
        lingering = wait_for_pid(pid)
        env_file = Path(place.read_text().strip())
        assert env_file.is_relative_to(tmp_path)
        assert env_file.exists()
        program.terminate()
        assert program.wait(10) == 128 + signal.SIGTERM
    assert not env_file.parent.exists()
    wait_for_end(lingering)


def test_what_a_killed_program_left_goes_with_the_next_and_what_a_living_one_has_stays(place: Path) -> None:
    """The app's environment is in it, passwords too, and not every machine has its /run in memory."""
    left, living, young = (place / f"ccci-harness-{name}" for name in ("left", "living", "young"))
    for folder in (left, living, young):
        folder.mkdir()
        (folder / "app.env").write_text("SMTP_PASSWORD='x'\n")
    for folder in (left, living):
        os.utime(folder, (1, 1))
    (place / "ccci-harness-link").symlink_to(young)
    os.utime(place / "ccci-harness-link", (1, 1), follow_symlinks=False)
    handle = os.open(living, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    run_all(payload(["true"]))
    os.close(handle)
    assert not left.exists()
    assert (living / "app.env").exists()
    assert (young / "app.env").exists()


def test_the_folder_of_a_program_that_runs_is_not_taken_for_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_remote, "YOUNG", -1.0)
    with commands_remote.own_folder("ccci-harness-") as first, commands_remote.own_folder("ccci-harness-"):
        assert Path(first).exists()


def test_sigterm_while_a_command_begins_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    class Cut(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            begun.append(self)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Cut)
    before = signal.signal(signal.SIGTERM, commands_remote.stop)
    try:
        with pytest.raises(SystemExit):
            run_all(payload(["sleep", "30"]))
    finally:
        signal.signal(signal.SIGTERM, before)
    [command] = begun
    assert command.returncode == -signal.SIGKILL


def test_nobody_else_is_at_the_same_stack_meanwhile(place: Path) -> None:
    folder = commands_remote.lock_folder()
    folder.mkdir(mode=0o700)
    with (folder / "shop_test").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(TroubleError, match="Somebody else") as caught:
            run_all(payload(["true"]))
    assert caught.value.kind == "busy"
    assert run_all(payload(["true"]))["ran"], "and then it is free"


def test_root_locks_where_stacks_are_deployed_and_each_user_apart(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert commands_remote.lock_folder() == place / "ccci-stacks"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # which the same user has in one session only
    assert commands_remote.lock_folder() == Path(tempfile.gettempdir(), "ccci-stacks-1000")


def linked(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


@pytest.mark.parametrize("prepare", [linked, open_to_all, Path.touch])
def test_a_lock_folder_that_is_not_ours_alone_is_trouble(prepare: Callable[[Path], None]) -> None:
    prepare(commands_remote.lock_folder())
    with pytest.raises(TroubleError, match="no folder of mode 0700 that belongs to you") as caught:
        run_all(payload(["true"]))
    assert caught.value.kind == "lock"


def test_a_lock_folder_of_another_user_is_trouble(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "ccci-stacks-70001").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 70001)
    with pytest.raises(TroubleError, match="belongs to you"):
        run_all(payload(["true"]))


def test_a_lock_empties_no_file_that_a_link_leads_to(tmp_path: Path) -> None:
    folder = commands_remote.lock_folder()
    folder.mkdir(mode=0o700)
    mine = tmp_path / "mine"
    mine.write_text("of value")
    (folder / "shop_test").symlink_to(mine)
    with pytest.raises(TroubleError, match="cannot be locked"):
        run_all(payload(["true"]))
    assert mine.read_text() == "of value"


def test_where_no_lock_folder_can_be_made_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 70001)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/nowhere")
    with pytest.raises(TroubleError, match="No such file"):
        run_all(payload(["true"]))


def test_no_secret_that_can_be_known_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = tmp_path / "config.json"
    entry = base64.b64encode(b"me:pat-of-mine").decode()
    login.write_text(json.dumps({"auths": {"hub": {"auth": entry}, "other": {"identitytoken": "identity"}}}))
    kept = tmp_path / "pat"
    kept.write_text("pat-in-a-file\n")
    monkeypatch.setenv("HARNESS_TOKEN", "token-inherited")
    secrets = [entry, "pat-of-mine", "identity", "pat-in-a-file", "token-inherited", "smtp-secret"]
    asked = payload(
        ["sh", "-c", f"echo {' '.join(secrets)}; echo {' '.join(secrets)} >&2; exit 1"],
        logins=[str(login), str(tmp_path / "none.json")],
        secret_files=[str(kept), str(tmp_path / "none")],
        app={"SMTP_PASSWORD": "smtp-secret", "SECRET_DB_VERSION": "version-one", "TITLE": "a title"},
    )
    told = json.dumps(run_all(asked))
    assert not [secret for secret in secrets if secret in told]
    assert MASK in run_all(asked)["ran"][0]["stderr"]


@pytest.mark.parametrize(
    "secret",
    [
        "dckr_" + "pat_abcdefghijklmnop",
        "Tq8vJ2mWx0LpZr5Kd3Yn7Bc1",
        "0123456789abcdef0123456789abcdef",
        "c2VjcmV0IHdvcmRzIGFuZCBtb3JlMQ==",
    ],
)
def test_words_that_look_generated_are_not_told(secret: str) -> None:
    assert masked(f"│ db_password │ {secret} │", []) == f"│ db_password │ {MASK} │"


@pytest.mark.parametrize("before", ["postgres://shop:", "db_password:", "user@", '{"value":"'])
def test_a_generated_word_is_not_told_whatever_comes_before_it(before: str) -> None:
    for word in ("Tq8vJ2mWx0LpZr5Kd3Yn7Bc1", "0123456789abcdef0123456789abcdef"):
        assert masked(f"{before}{word}@db", []) == f"{before}{MASK}@db"


@pytest.mark.parametrize(
    "told",
    [
        "ccci-shop-ab12_test_app: harbour/guestbook:1.0@sha256:" + "0a" * 32,
        "service 9xk3lbyo0ocbxfyqmnq0w7w2d converged",
        "WARN: Deploying Recipe nextcloud 10.1.0+31.0.5-fpm",
    ],
)
def test_digests_and_names_are_told(told: str) -> None:
    assert masked(told, []) == told


def test_the_way_that_lends_the_login_is_there_while_commands_run(place: Path) -> None:
    program = "import sys, time; open(sys.argv[1], 'w'); print('ready', flush=True); time.sleep(60)"
    lending = {"program": program, "docker_config": "/root/.docker/config.json"}
    look = "printenv DOCKER_HOST; ls $(printenv DOCKER_HOST | cut -c8-)"
    [ran] = run_all(payload(["sh", "-c", look], lending=lending))["ran"]
    variable, path = ran["stdout"].splitlines()
    assert variable == f"unix://{path}"
    assert not Path(path).parent.exists()
    assert "DOCKER_HOST" not in os.environ


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="nothing here ties a process to its parent")
def test_killed_at_once_the_program_leaves_no_way_that_lends_the_login(tmp_path: Path) -> None:
    """It would lend it until the next boot."""
    pid = tmp_path / "pid"
    way = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    argv = [sys.executable, "-I", "-c", PROGRAM.replace('"/run"', f'"{tmp_path}"')]
    asked = payload(["true"], lending={"program": way, "docker_config": "x"})
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        program.stdin.write(json.dumps(asked).encode())
        program.stdin.close()
        lending = wait_for_pid(pid)
        program.kill()
    try:
        wait_for_end(lending)
    finally:
        with suppress(ProcessLookupError):
            os.kill(lending, signal.SIGKILL)


def test_the_setpriv_of_busybox_ties_nothing_and_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows no `--pdeathsig`, so that no command ran, and the way that lends the login did not open."""
    busybox = tmp_path / "busybox"
    busybox.write_text("#!/bin/sh\nexit 1\n")
    busybox.chmod(0o755)
    (tmp_path / "setpriv").symlink_to(busybox)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program = "import time; print('ready', flush=True); time.sleep(60)"
    [ran] = run_all(payload(["echo", "here"], lending={"program": program, "docker_config": "x"}))["ran"]
    assert ran["stdout"] == "here"


def test_a_way_that_does_not_open_is_trouble() -> None:
    lending = {"program": "raise SystemExit(1)", "docker_config": "x"}
    with pytest.raises(TroubleError, match="did not open"):
        run_all(payload(["true"], lending=lending))
