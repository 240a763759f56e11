"""The program that deploys and removes stacks, against a swarm in memory and a Docker CLI of a few lines."""

import ast
import base64
import fcntl
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import pins
from ccci_host.experiments import stacks
from ccci_host.recipes import stack_remote
from ccci_host.recipes.stack_remote import OURS
from ccci_host.witnesses import strangers
from tests.unit.recipes.swarm import FakeSwarm

FILES = [
    {"path": "compose.yml", "mode": 0o600, "content": base64.b64encode(b"services: {}").decode()},
    {"path": "sub/entry.sh", "mode": 0o700, "content": base64.b64encode(b"#!/bin/sh").decode()},
]
CLI = """#!/bin/sh
{ echo "argv: $*"; /usr/bin/env; ls -l . sub; stat -c %a .; } >> SEEN
case "$*" in
*--skip-interpolation*) echo raw; exit RAW;;
*"stack config"*) echo "services:"; echo "$PWD/compose.yml is odd" >&2; exit 0;;
*--detach=true*) echo "unknown flag: --detach" >&2; exit OLD;;
*) exit 0;;
esac
"""


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSwarm:
    fake = FakeSwarm()
    monkeypatch.setattr(stack_remote, "daemon", fake)
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(stack_remote, "run_folder", lambda: tmp_path / "run")
    return fake


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the Docker CLI writes what it was given."""
    return install_cli(monkeypatch, tmp_path)


def install_cli(monkeypatch: pytest.MonkeyPatch, folder: Path, *, raw: int = 0, old: int = 0) -> Path:
    program = folder / "docker"
    text = CLI.replace("SEEN", str(folder / "seen")).replace("RAW", str(raw)).replace("OLD", str(old))
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "seen"


def payload(**more: Any) -> dict[str, Any]:
    return {
        "stack": "shop",
        "files": FILES,
        "env": {"DOMAIN": "shop.test", "DOCKER_HOST": "tcp://elsewhere"},
        "compose_files": ["compose.yml", "sub/more.yml"],
        "docker_config": "/root/.docker",
        "timeout": 20,
        **more,
    }


def remove_until_gone(swarm: FakeSwarm, stack: str, secrets: tuple[str, ...] = ()) -> list[Any]:
    removed: list[Any] = []
    known = list(secrets)
    shared: dict[str, str] = {}
    for _ in range(10):
        answer = stack_remote.remove({"stack": stack, "secrets": known, "shared": shared})
        shared = answer["shared"]
        removed += answer["removed"]
        known = answer["secrets"] or known
        if not any(answer["traces"].values()):
            return removed
    raise AssertionError(f"never gone: {answer}")


def test_the_program_is_python_3_9() -> None:
    ast.parse(Path(stack_remote.__file__).read_text(), feature_version=(3, 9))


def test_render_gives_docker_the_files_and_the_apps_environment_alone(
    swarm: FakeSwarm, seen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "leaks")
    swarm.add_service("shop", "app")
    swarm.add("secrets", "shop_key_v1")
    swarm.add("networks", "proxy")
    answer = stack_remote.render(payload(observe=True))
    assert answer["config"] == "services:\n"
    assert answer["stderr"] == "compose.yml is odd\n", "the folder's own path means nothing to anybody"
    assert answer["raw"] == "raw\n"
    assert answer["secrets"] == ["shop_key_v1"]
    assert answer["networks"] == ["proxy"]
    assert answer["traces"] == {"service": ["shop_app"], "container": ["shop_app.1"], "network": []}
    log = seen.read_text()
    expected = "argv: --host unix:///var/run/docker.sock --config /root/.docker stack config"
    assert f"{expected} --compose-file compose.yml --compose-file sub/more.yml\n" in log
    assert "DOMAIN=shop.test" in log
    assert "OURS" not in log
    assert "PATH=" not in log.replace("OLDPWD", "")
    assert "\n700\n" in log
    assert "-rwx------" in log


def test_an_app_does_not_choose_what_runs_as_docker(swarm: FakeSwarm, seen: Path) -> None:
    chosen = {
        "PATH": ".",
        "LD_PRELOAD": "./sub/entry.sh",
        "DOCKER_AUTH_CONFIG": "{}",
        "DOCKER_TLS_VERIFY": "1",
    }
    stack_remote.render(payload(observe=False, env={"DOMAIN": "shop.test", "HOME": "/shop", **chosen}))
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert {"DOMAIN", "HOME"} <= names
    assert not names & {"LD_PRELOAD", "DOCKER_AUTH_CONFIG", "DOCKER_TLS_VERIFY"}
    assert "PATH=." not in seen.read_text()


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "DOCKER_AUTH_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY"),
        *("DOCKER_CERT_PATH", "DOCKER_API_VERSION", "DOCKER_CLI_HOOKS", "DOMAIN", "LDAP_HOST", "HOMESERVER"),
        *("DOCKER_SOCKET", "DOCKER", "PATH_PREFIX"),
    ],
)
def test_it_keeps_from_docker_what_the_agent_keeps_from_it(name: str) -> None:
    assert bool(stack_remote.NOT_FOR_DOCKER.fullmatch(name)) is bool(pins.NOT_FOR_DOCKER.fullmatch(name))


@pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "HOME"])
def test_but_for_what_its_flags_beat(name: str) -> None:
    assert pins.NOT_FOR_DOCKER.fullmatch(name)
    assert not stack_remote.NOT_FOR_DOCKER.fullmatch(name), "an app may want its value in its compose file"


def test_nothing_of_the_recipe_stays_on_the_host(swarm: FakeSwarm, seen: Path, tmp_path: Path) -> None:
    stack_remote.render(payload(observe=False))
    assert list((tmp_path / "run").iterdir()) == []


def test_a_number_that_is_interpolated_leaves_the_raw_text_unknown(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_cli(monkeypatch, tmp_path, raw=1)
    assert stack_remote.render(payload(observe=True))["raw"] == ""


def test_deploy_makes_what_is_missing_and_keeps_what_is_there(swarm: FakeSwarm, seen: Path) -> None:
    swarm.add("secrets", "shop_old_v1")
    wanted = [{"name": "shop_old_v1", "value": "new"}, {"name": "shop_key_v1", "value": "s3cret"}]
    answer = stack_remote.deploy(payload(networks=["proxy"], secrets=wanted))
    assert answer["exit_code"] == 0
    (network, secret) = swarm.created
    assert network[1]["Name"] == "proxy"
    assert (network[1]["Driver"], network[1]["Attachable"]) == ("overlay", True)
    assert secret[1]["Name"] == "shop_key_v1"
    assert secret[1]["Labels"] == {OURS: "shop"}
    assert base64.b64decode(secret[1]["Data"]) == b"s3cret"
    line = next(line for line in seen.read_text().splitlines() if line.startswith("argv"))
    assert line.endswith(
        "stack deploy --detach=true --prune --with-registry-auth --resolve-image always"
        " --compose-file compose.yml --compose-file sub/more.yml shop"
    )
    assert "s3cret" not in seen.read_text()


def test_an_older_cli_is_asked_again_without_detach(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = install_cli(monkeypatch, tmp_path, old=125)
    assert stack_remote.deploy(payload(networks=[], secrets=[]))["exit_code"] == 0
    assert [("--detach" in line) for line in seen.read_text().splitlines() if "argv" in line] == [True, False]


@pytest.mark.parametrize("word", ["deploy", "remove"])
def test_two_do_not_race(swarm: FakeSwarm, seen: Path, tmp_path: Path, word: str) -> None:
    folder = tmp_path / "run" / "ccci-stacks"
    folder.mkdir()
    with (folder / "shop").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(stack_remote.TroubleError) as caught:
            stack_remote.WORDS[word](payload(networks=[], secrets=[]))
    assert caught.value.kind == "busy"
    stack_remote.WORDS[word](payload(networks=[], secrets=[]))


def test_look_shows_the_stack_and_no_neighbour(swarm: FakeSwarm) -> None:
    swarm.add_service("shop", "app")
    swarm.add_service("shop_eu", "app")
    answer = stack_remote.look({"stack": "shop"})
    assert [one["ID"] for one in answer["services"]] == ["shop_app"]
    assert [one["ID"] for one in answer["tasks"]] == ["task-of-shop_app"]
    assert [one["task"] for one in answer["containers"]] == ["task-of-shop_app"]


def test_a_task_that_runs_by_its_word_is_seen_with_its_container(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come up between two of the daemon's answers."""
    swarm.add_service("shop", "app")
    container = swarm.things["containers"].pop("shop_app")
    get = swarm.get

    def slow(path: str, **filters: list[str]) -> Any:
        if path == "/tasks":
            swarm.things["containers"]["shop_app"] = container
        return get(path, **filters)

    monkeypatch.setattr(swarm, "get", slow)
    answer = stack_remote.look({"stack": "shop"})
    assert [one["task"] for one in answer["containers"]] == [one["ID"] for one in answer["tasks"]]


def bumped(swarm: FakeSwarm) -> None:
    swarm.tasks[0]["Version"]["Index"] += 1


def healthy(swarm: FakeSwarm) -> None:
    swarm.things["containers"]["shop_app"]["Status"] = "Up 3 seconds (healthy)"


def updated(swarm: FakeSwarm) -> None:
    swarm.things["services"]["shop_app"]["Version"]["Index"] += 1


def older(swarm: FakeSwarm) -> None:
    swarm.things["containers"]["shop_app"]["Status"] = "Up 3 seconds"


def grown(swarm: FakeSwarm) -> None:
    swarm.add_service("shop", "db")


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the program slept; they pass at once, on a clock of their own."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(slept))
    return slept


@pytest.mark.parametrize("change", [bumped, healthy, updated, grown])
def test_a_look_that_waits_ends_with_the_first_change(
    change: Callable[[FakeSwarm], None], swarm: FakeSwarm, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm.add_service("shop", "app")
    known = stack_remote.look({"stack": "shop"})["mark"]

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            change(swarm)

    monkeypatch.setattr(time, "sleep", nap)
    answer = stack_remote.look({"stack": "shop", "known": known, "patience": 1.0})
    assert answer["mark"] != known
    assert len(naps) == 3


def test_a_look_that_sees_no_change_waits_no_longer_than_it_may(swarm: FakeSwarm, naps: list[float]) -> None:
    swarm.add_service("shop", "app")
    known = stack_remote.look({"stack": "shop"})["mark"]
    older(swarm)
    answer = stack_remote.look({"stack": "shop", "known": known, "patience": 1.0})
    assert answer["mark"] == known, "time alone is no change"
    assert sum(naps) == pytest.approx(1.0, abs=stack_remote.BETWEEN_LOOKS)


def test_a_look_that_knows_nothing_does_not_wait(swarm: FakeSwarm, naps: list[float]) -> None:
    swarm.add_service("shop", "app")
    stack_remote.look({"stack": "shop", "known": None, "patience": 1.0})
    assert naps == []


def fill(swarm: FakeSwarm, stack: str) -> None:
    swarm.add_service(stack, "app", secrets=(f"{stack}_key_v1", f"{stack}_inserted_v1", f"{stack}ping"))
    swarm.add_service(stack, "db")
    swarm.add("secrets", f"{stack}_key_v1", stack, label=OURS)
    swarm.add("secrets", f"{stack}_inserted_v1")
    swarm.add("configs", f"{stack}_entry_v1", stack)
    swarm.add("networks", f"{stack}_internal", stack)
    swarm.add("volumes", f"{stack}_data", stack)


def test_a_teardown_takes_the_stack_and_its_neighbours_survive(swarm: FakeSwarm) -> None:
    for stack in ("shop", "shop_eu", "shop-b", "s"):
        fill(swarm, stack)
    swarm.add("secrets", "shopping")
    swarm.add("secrets", "shop_of_nobody_known")
    swarm.add("networks", "proxy")
    swarm.add("volumes", "shop_external")
    before = {kind: set(swarm.names(kind)) for kind in swarm.things}
    removed = remove_until_gone(swarm, "shop")
    gone = {kind: before[kind] - set(swarm.names(kind)) for kind in swarm.things}
    assert gone == {
        "services": {"shop_app", "shop_db"},
        "containers": {"shop_app", "shop_db"},
        "secrets": {"shop_key_v1", "shop_inserted_v1"},
        "configs": {"shop_entry_v1"},
        "networks": {"shop_internal"},
        "volumes": {"shop_data"},
    }
    assert {tuple(one) for one in removed} == {
        ("service", "shop_app"),
        ("service", "shop_db"),
        ("secret", "shop_key_v1"),
        ("secret", "shop_inserted_v1"),
        ("config", "shop_entry_v1"),
        ("network", "shop_internal"),
        ("volume", "shop_data"),
    }


def test_a_secret_that_a_neighbour_uses_too_stays(swarm: FakeSwarm) -> None:
    swarm.add_service("shop", "app", secrets=("shop_key_v1",))
    swarm.add_service("shop_eu", "app", secrets=("shop_key_v1",))
    swarm.add("secrets", "shop_key_v1")
    remove_until_gone(swarm, "shop")
    assert swarm.names("secrets") == ["shop_key_v1"]


def test_a_secret_that_was_made_for_the_stack_stays_where_another_uses_it(swarm: FakeSwarm) -> None:
    """Its deletion was tried for five minutes, and came to pass once the other was undeployed meanwhile."""
    for stack in ("shop", "blog"):
        swarm.add_service(stack, "app", secrets=("smtp_password", f"{stack}_key_v1"))
        swarm.add("secrets", f"{stack}_key_v1", stack, label=OURS)
    swarm.add("secrets", "smtp_password", "shop", label=OURS)
    assert "smtp_password" in stack_remote.whole({"stack": "shop", "secrets": []})["traces"]["secret"], "told"
    first = stack_remote.remove({"stack": "shop", "secrets": []})
    assert first["shared"] == {"smtp_password": "blog_app"}
    del swarm.things["services"]["blog_app"]
    for _ in range(3):
        last = stack_remote.remove({"stack": "shop", "secrets": [], "shared": first["shared"]})
    assert not any(last["traces"].values())
    assert last["shared"] == first["shared"]
    assert swarm.names("secrets") == ["blog_key_v1", "smtp_password"]
    assert remove_until_gone(swarm, "shop") == [("secret", "smtp_password")], "of nobody's use since"


def test_a_secret_that_no_service_came_to_use_goes_with_an_experiments_stack_alone(swarm: FakeSwarm) -> None:
    theirs = ("ccci-shop_test", "shop", "ccci-shop")
    for stack in (*theirs, "ccci-shop--1a2b_test"):
        swarm.add("secrets", f"{stack}_key_v1")
    for stack in (*theirs, "ccci-shop--1a2b_test"):
        remove_until_gone(swarm, stack)
    made_by_hand = sorted(f"{stack}_key_v1" for stack in theirs)
    assert swarm.names("secrets") == made_by_hand, "or of a neighbour `ccci-shop_test_key`"


def test_a_secret_that_a_deploy_made_goes_though_no_service_came_to_use_it(
    swarm: FakeSwarm, seen: Path
) -> None:
    secrets = [{"name": name, "value": "s3cret"} for name in ("ccci-shop_test_key_v1", "smtp_password")]
    stack_remote.deploy(payload(stack="ccci-shop_test", networks=[], secrets=secrets))
    swarm.add("secrets", "ccci-shop_test_key_v2")
    remove_until_gone(swarm, "ccci-shop_test")
    assert swarm.names("secrets") == ["ccci-shop_test_key_v2"]


def test_an_experiments_stack_is_known_by_the_same_name_everywhere() -> None:
    assert stack_remote.OWN_STACK.pattern == strangers.OWN_STACK.pattern
    assert stack_remote.OURS == stacks.MADE_FOR


def test_what_there_is_of_a_stack_is_told_and_stays(swarm: FakeSwarm) -> None:
    fill(swarm, "shop")
    before = {kind: swarm.names(kind) for kind in ("services", "secrets", "volumes")}
    told = stack_remote.whole({"stack": "shop", "secrets": []})
    assert "shop_inserted_v1" in told["secrets"]
    assert set(told["traces"]["secret"]) == {"shop_key_v1", "shop_inserted_v1"}
    assert told["traces"]["service"] == ["shop_app", "shop_db"]
    assert {kind: swarm.names(kind) for kind in before} == before


def test_networks_and_volumes_wait_for_the_containers(swarm: FakeSwarm) -> None:
    swarm.lingering = 6
    fill(swarm, "shop")
    removed = remove_until_gone(swarm, "shop")
    assert removed[-2:] == [("network", "shop_internal"), ("volume", "shop_data")]


def test_a_teardown_begun_by_another_is_finished(swarm: FakeSwarm) -> None:
    fill(swarm, "shop")
    swarm.things["services"].clear()
    remove_until_gone(swarm, "shop")
    assert swarm.names("secrets") == ["shop_inserted_v1"], "unlabelled, unused: nothing shows whose it is"
    assert swarm.names("volumes") == swarm.names("networks") == swarm.names("configs") == []
    assert remove_until_gone(swarm, "shop", ("shop_inserted_v1",)) == [("secret", "shop_inserted_v1")]


def test_what_went_by_itself_is_neither_removed_nor_left(swarm: FakeSwarm) -> None:
    assert stack_remote.swept([("secret", "x", "/secrets/x")]) == ([], [])


def test_what_the_daemon_refuses_is_left_with_its_reason(swarm: FakeSwarm) -> None:
    fill(swarm, "shop")
    swarm.refuses["/volumes/shop_data"] = "volume is in use"
    swarm.things["services"].clear()
    for _ in range(3):
        answer = stack_remote.remove({"stack": "shop", "secrets": []})
    assert answer["left"] == [("volume", "shop_data", "volume is in use")]
    assert answer["traces"]["volume"] == ["shop_data"]


JOURNAL = """#!/bin/sh
echo "argv: $*" >> SEEN
cat <<'END'
time="x" level=info msg="pulling image failed" error="of another task" module=node task.id=other
time="x" level=error msg="pulling image failed" error="denied for a, \\"b\\" may" module=m task.id=t1
time="x" level=error msg="pulling image failed" error="no space left on device" module=m task.id=t2
time="x" level=error msg="pulling image failed" error="no space left on device" module=m task.id=t3
time="x" level=error msg="fatal task error" error="No such image: a" module=m task.id=t1
END
"""


def test_the_reason_of_a_pull_comes_from_the_daemons_journal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "journalctl"
    program.write_text(JOURNAL.replace("SEEN", str(tmp_path / "seen")))
    program.chmod(0o755)
    asked = {"tasks": ["t1", "t2", "t3"], "since": 1234.5}
    monkeypatch.setenv("PATH", "/nowhere")
    assert stack_remote.pull_errors(asked) == []
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert stack_remote.pull_errors(asked) == [
        'denied for a, "b" may',
        "no space left on device",
    ]
    assert "--since=@1234 " in (tmp_path / "seen").read_text()


def test_a_journal_that_is_slow_explains_nothing_and_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "journalctl"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(stack_remote, "JOURNAL_TIMEOUT", 0.1)
    assert stack_remote.WORDS["pull-errors"]({"tasks": ["t1"], "since": 1.0}) == {"reasons": []}


def test_main_speaks_json_and_tells_of_trouble(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"word": "look", "stack": "shop"})))
    stack_remote.main()
    assert json.loads(capsys.readouterr().out)["services"] == []

    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"word": "render", **payload(observe=False)})))
    stack_remote.main()
    assert json.loads(capsys.readouterr().out)["trouble"] == "no-cli"


def test_a_daemon_that_is_not_there_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(stack_remote, "DOCKER_SOCKET", f"{folder}/none.sock")
        with pytest.raises(stack_remote.TroubleError, match="does not answer") as caught:
            stack_remote.Daemon().get("/info")
    assert caught.value.kind == "daemon"
