"""The deployer `command`: what the harness is asked, and what is seen of it in the swarm."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import ConfigError, DeployError, HostError, RefusedError, UsageError, WaitTimeoutError
from ccci_host.recipes import (
    DEPLOYERS,
    CommandDeployer,
    command,
    deploy_recipe,
    deployer_of,
    host,
    teardown_recipe,
)
from ccci_host.recipes.app import App
from ccci_host.recipes.recipe import Recipe
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table
from tests.unit.processes import wait_for_end, wait_for_pid
from tests.unit.recipes.test_convergence import NOW, picture, service, task
from tests.unit.recipes.test_stack import NO_TRACES, OBSERVED, RENDERED, Script

COMMAND = {
    "deploy": [["harness", "up", "{domain}"]],
    "wait": [["harness", "wait"]],
    "undeploy": [["harness", "down"]],
    "clean_up": [["harness", "sweep"]],
}
NOTHING: dict[str, list[str]] = {
    kind: [] for kind in ("service", "container", "network", "secret", "config", "volume")
}
ALL = {**NOTHING, "service": ["shop_app"], "secret": ["shop_key_v1"], "volume": ["shop_data"]}


class Harness:
    """Answers of the program that runs commands, beside those of the one that deploys stacks."""

    def __init__(self, *answers: dict[str, Any], **words: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.stacks = Script(**words)
        self.looks: list[int] = []
        """How often the swarm had been looked at when each was asked."""

    def __call__(self, argv: tuple[str, ...], sent: bytes) -> Completed:
        payload = json.loads(sent)
        if "word" in payload:
            return self.stacks(argv, sent)
        self.asked.append(payload)
        self.looks.append(len(self.stacks.asked))
        return completed(json.dumps(self.answers.pop(0)))


def ran(*codes: int, stderr: str = "") -> dict[str, Any]:
    one = {"argv": ["harness", "up"], "stdout": "", "stderr": stderr, "seconds": 0.1}
    return {"ran": [{**one, "exit_code": code} for code in codes]}


def machine(harness: Harness, **more: Any) -> Machine:
    return fake_machine(FakeExecutor({"python3 -I -c": harness}), host_table(command={**COMMAND, **more}))


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "compose.yml").write_text("services: {}\n")
    return App(Recipe("shop", tmp_path, "1"), "shop.test", "shop", {"TITLE": "it's"}, ("compose.yml",))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, name in ((host, "TURN"), (command, "STOPPING"), (command, "GOING")):
        monkeypatch.setattr(module, name, 0.5)
    yield


def converged() -> dict[str, Any]:
    return {**picture(service(), task("running")), "now": NOW, "traces": NO_TRACES}


def test_a_deploy_runs_the_commands_and_then_looks_for_itself(app: App) -> None:
    harness = Harness(ran(0, 0), render=RENDERED, look=converged())
    deployment = CommandDeployer().deploy(machine(harness), app)
    [asked] = harness.asked
    assert asked["commands"] == [["harness", "up", "{domain}"], ["harness", "wait"]]
    assert asked["fields"] == {"recipe": "shop", "domain": "shop.test", "stack": "shop"}
    assert asked["env_file"] == 'TITLE="it\'s"\n'
    assert asked["all"] is False
    assert asked["lending"] is None
    assert [one["word"] for one in harness.stacks.asked] == ["render", "look", "look"]
    assert deployment.deployer == "command"
    assert [one.where for one in deployment.commands] == ["host", "host"]
    assert deployment.services[0].name == "shop_app"


def test_the_login_is_lent_where_the_configuration_says_so(app: App) -> None:
    harness = Harness(ran(0), render=RENDERED, look=converged())
    CommandDeployer().deploy(machine(harness, lend_login=True), app)
    assert harness.asked[0]["lending"] == {
        "program": command.LENDING,
        "docker_config": "/root/.docker/config.json",
    }


def test_a_harness_that_fails_is_told_with_what_it_said(app: App) -> None:
    harness = Harness(ran(2, stderr="toomanyrequests: slow down"), render=RENDERED, look=converged())
    with pytest.raises(DeployError) as caught:
        CommandDeployer().deploy(machine(harness), app)
    assert caught.value.brief == ("The harness did not deploy shop: `harness up` ended with exit code 2.")
    assert "slow down" in caught.value.details
    assert "rate limit" in caught.value.resolution


def test_a_harness_that_says_it_did_and_did_not_is_found_out(app: App) -> None:
    nothing = {**converged(), "services": [], "tasks": [], "containers": []}
    quick = {
        **RENDERED,
        "config": RENDERED["config"].replace(  # type: ignore[attr-defined]
            "image: lab/app:1", "image: lab/app:1\n    deploy: {labels: {coop-cloud.shop.timeout: '1'}}"
        ),
    }
    harness = Harness(ran(0, 0), render=quick, look=nothing)
    with pytest.raises(DeployError, match="did not converge as shop within 1 s"):
        CommandDeployer().deploy(machine(harness), app)


@pytest.mark.parametrize(
    ("trouble", "error", "said"),
    [
        ({"trouble": "slow", "message": "`harness up` did not end within 9 s.\nhalf"}, DeployError, "half"),
        ({"trouble": "busy", "message": "Somebody else"}, WaitTimeoutError, "Somebody else"),
        ({"trouble": "lock", "message": "/tmp/x is no folder of mode 0700"}, HostError, "move away what is"),
        ({"trouble": "lending", "message": "did not open"}, HostError, "did not open"),
    ],
)
def test_trouble_is_an_error_of_its_own(
    trouble: dict[str, Any], error: type[Exception], said: str, app: App
) -> None:
    harness = Harness(*[trouble] * 5, render=RENDERED, look=converged())
    with pytest.raises(error, match=said):
        CommandDeployer().deploy(machine(harness), app)


def test_a_teardown_cleans_up_when_the_containers_are_gone_and_tells_what_went(app: App) -> None:
    looks = [
        {"traces": ALL, "secrets": ["shop_key_v1"]},
        {"traces": ALL, "secrets": []},
        {"traces": {**ALL, "service": []}, "secrets": []},
        {"traces": NOTHING, "secrets": []},
    ]
    harness = Harness(ran(0), ran(0), traces=looks)
    removal = CommandDeployer().teardown(machine(harness), app)
    assert [asked["commands"][0][1] for asked in harness.asked] == ["down", "sweep"]
    assert all(asked["all"] for asked in harness.asked)
    assert harness.looks == [1, 3], "the sweep waits until no service is there"
    assert set(removal.removed) == {
        ("service", "shop_app"),
        ("secret", "shop_key_v1"),
        ("volume", "shop_data"),
    }
    assert removal.left == ()
    assert [one["secrets"] for one in harness.stacks.asked] == [[], *[["shop_key_v1"]] * 3]


def test_a_teardown_is_seen_through_where_the_daemon_starts_again(app: App) -> None:
    def away(payload: dict[str, Any]) -> dict[str, Any]:
        raise HostError("Connection refused")

    looks = [{"traces": ALL, "secrets": []}, away, {"traces": NOTHING, "secrets": []}]
    harness = Harness(ran(0), ran(0), traces=looks)
    assert CommandDeployer().teardown(machine(harness), app).left == ()
    assert [asked["commands"][0][1] for asked in harness.asked] == ["down", "sweep"]


def test_what_the_harness_leaves_is_left_and_said(app: App) -> None:
    kept = {**NOTHING, "volume": ["shop_data"]}
    looks = [{"traces": ALL, "secrets": []}, {"traces": kept, "secrets": []}]
    harness = Harness(ran(0), ran(1), traces=looks)
    removal = CommandDeployer().teardown(machine(harness), app)
    [(kind, name, why)] = removal.left
    assert (kind, name) == ("volume", "shop_data")
    assert set(removal.removed) == {("service", "shop_app"), ("secret", "shop_key_v1")}
    assert "`harness up` ended with exit code 1" in why


def test_on_the_controller_the_same_program_runs_here(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness(render=RENDERED, look=converged())
    here = {
        "deploy": [["sh", "-c", "cat {env_file}; ls {folder}; echo {stack}"]],
        "wait": [],
        "runs_on": "controller",
    }
    deployment = CommandDeployer().deploy(machine(harness, **here), app)
    [said] = deployment.commands
    assert said.where == "controller"
    assert said.stdout.splitlines() == ['TITLE="it\'s"', "compose.yml", "shop"]
    assert harness.asked == []


def test_the_pat_out_of_a_variable_of_any_name_is_not_told(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on the controller has the controller's environment, and may show all of it."""
    monkeypatch.setenv("HUB_LOGIN", "not-a-real-pat\n")
    table = host_table(
        pat={"env": "HUB_LOGIN"},
        command={
            "deploy": [["sh", "-c", "echo login: $HUB_LOGIN"]],
            "undeploy": [["true"]],
            "runs_on": "controller",
        },
    )
    harness = Harness(render=RENDERED, look=converged())
    reached = fake_machine(FakeExecutor({"python3 -I -c": harness}), table)
    [said] = CommandDeployer().deploy(reached, app).commands
    assert said.stdout == "login: ••••••••"


def test_interrupted_on_the_controller_a_harness_ends_with_its_children_and_leaves_no_secrets(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, place = tmp_path / "child", tmp_path / "place"
    deploys = f"echo {{env_file}} > {place}; sh -c 'echo $$ > {child}; sleep 30; true'; true"
    here = {"deploy": [["sh", "-c", deploys]], "wait": [], "runs_on": "controller"}

    def interrupted(process: Any, sent: bytes, timeout: float) -> None:
        process.stdin.write(sent)
        process.stdin.close()
        wait_for_pid(child)
        raise KeyboardInterrupt

    monkeypatch.setattr("subprocess.Popen.communicate", interrupted)
    monkeypatch.setattr(command, "PROGRAM", command.PROGRAM.replace('"/run"', f'"{tmp_path}"'))
    with pytest.raises(KeyboardInterrupt):
        CommandDeployer().deploy(machine(Harness(render=RENDERED, look=converged()), **here), app)
    assert place.read_text().startswith(str(tmp_path))
    assert not Path(place.read_text().strip()).parent.exists()
    wait_for_end(wait_for_pid(child))


def test_a_harness_is_not_asked_for_a_recipe_with_strangers_names(app: App) -> None:
    named = RENDERED["config"] + "volumes:\n  data: {name: production_data}\n"  # type: ignore[operator]
    harness = Harness(render={**RENDERED, "config": named}, look=converged())
    with pytest.raises(RefusedError, match="volume production_data"):
        CommandDeployer().deploy(machine(harness), replace(app, confined=True))
    assert harness.asked == []


def test_a_harness_is_not_asked_for_a_recipe_whose_strangers_secret_is_missing(app: App) -> None:
    config = RENDERED["config"].replace("shop_mail_v1", "smtp_password")  # type: ignore[attr-defined]
    harness = Harness(render={**RENDERED, **OBSERVED, "config": config}, look=converged())
    with pytest.raises(RefusedError, match="smtp_password"):
        CommandDeployer().deploy(machine(harness), replace(app, confined=True))
    assert harness.asked == []
    assert harness.stacks.sent("render")[0]["observe"]


def test_the_configuration_chooses_unless_a_word_does() -> None:
    described = {"command": COMMAND, "deployer": "command"}
    harness = fake_machine(FakeExecutor(), host_table(**described))
    assert deployer_of(harness).name == "command"
    assert deployer_of(harness, "stack").name == "stack"
    plain = fake_machine(FakeExecutor())
    assert deployer_of(plain).name == "stack"
    with pytest.raises(ConfigError, match="No harness is described for ci"):
        deployer_of(plain, "command")
    with pytest.raises(UsageError, match="no deployer 'magic'"):
        deployer_of(plain, "magic")
    assert set(DEPLOYERS) == {"stack", "command"}


def test_deploy_and_teardown_take_the_word(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "watch", lambda *_: converged())
    looks = [{"traces": NOTHING, "secrets": []}]
    harness = Harness(ran(0), ran(0), ran(0), render=RENDERED, look=converged(), traces=looks)
    reached, folder = machine(harness), str(app.recipe.folder)
    assert deploy_recipe(reached, folder, deployer="command").deployer == "command"
    assert teardown_recipe(reached, folder, deployer="command").commands
    assert [asked["commands"][0][1] for asked in harness.asked] == ["up", "down", "sweep"]
