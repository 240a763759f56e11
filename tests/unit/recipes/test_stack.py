"""The deployer `stack` and the teardown, with the host's program scripted."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import (
    ConfigError,
    DeployError,
    HostError,
    NotFoundError,
    RefusedError,
    UnansweredError,
    UnreachableError,
    UsageError,
    WaitTimeoutError,
)
from ccci_host.recipes import (
    STACK,
    deploy_recipe,
    host,
    own_domain,
    stack,
    stack_name,
    teardown,
    teardown_recipe,
    teardown_stack,
)
from ccci_host.recipes.app import App
from ccci_host.recipes.convergence import SETTLING
from ccci_host.recipes.recipe import Recipe
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table
from tests.unit.recipes.test_convergence import NOW, picture, service, task

CONFIG = """services:
  app:
    image: lab/app:1
    networks: {proxy: null}
    secrets: [{source: key}, {source: mail}]
networks:
  proxy: {name: proxy, external: true}
secrets:
  key: {name: shop_key_v1, external: true}
  mail: {name: shop_mail_v1, external: true}
"""
RENDERED = {"exit_code": 0, "config": CONFIG, "raw": "", "stderr": ""}
OBSERVED = {
    "secrets": [],
    "configs": [],
    "networks": [],
    "traces": {"service": [], "container": [], "network": []},
}
DEPLOYED = {"exit_code": 0, "stdout": "", "stderr": "", "seconds": 1.5, "since": NOW - 60}
NO_TRACES: dict[str, list[str]] = {"service": [], "container": [], "network": []}

Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


class Script:
    """Answers of the host's program by word: each once in turn, the last for ever."""

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self.answers = {
            word.replace("_", "-"): one if isinstance(one, list) else [one] for word, one in answers.items()
        }
        self.asked: list[dict[str, Any]] = []

    def __call__(self, argv: tuple[str, ...], sent: bytes) -> Completed:
        payload = json.loads(sent)
        self.asked.append(payload)
        queue = self.answers[payload["word"]]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        return completed(json.dumps(answer(payload) if callable(answer) else answer))

    def sent(self, word: str) -> list[dict[str, Any]]:
        return [one for one in self.asked if one["word"] == word]


def machine(script: Script, **tables: Any) -> Machine:
    return fake_machine(FakeExecutor({"python3 -I -c": script}), host_table(**tables))


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "compose.yml").write_text("services: {}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("[core]\n")
    return App(
        recipe=Recipe("shop", tmp_path, "1.0.0"),
        domain="shop.test",
        stack="shop",
        env={"DOMAIN": "shop.test"},
        compose_files=("compose.yml",),
        modifiers={
            "SECRET_KEY_VERSION": {"length": "12", "charset": "hex"},
            "SECRET_MAIL_VERSION": {"generate": "false"},
        },
    )


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, name in ((stack, "TURN"), (stack, "NETWORK_GOING"), (host, "TURN")):
        monkeypatch.setattr(module, name, 0.5)
    yield


def converged() -> dict[str, Any]:
    seen = picture(service(), task("running"))
    seen["containers"] = [{"task": "t1", "image": "lab/app:1@x", "image_id": "sha256:i", "status": "Up"}]
    return {**seen, "traces": NO_TRACES}


def test_a_deploy_is_three_round_trips_and_gives_a_record(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED}, deploy=DEPLOYED, look=converged())
    deployment = STACK.deploy(machine(script), app)
    assert [one["word"] for one in script.asked] == ["render", "deploy", "look"]
    assert deployment.recipe == "shop"
    assert deployment.seconds_to_deploy == 1.5
    (deployed,) = deployment.services
    assert (deployed.name, deployed.digest) == ("shop_app", "sha256:" + "a" * 64)
    (ran,) = deployed.tasks
    assert (ran.state, ran.image, ran.image_id) == ("running", "lab/app:1@x", "sha256:i")
    (sent,) = script.sent("deploy")
    assert sent["networks"] == ["proxy"]
    values = {one["name"]: one["value"] for one in sent["secrets"]}
    assert set(values) == {"shop_key_v1", "shop_mail_v1"}, "a sample's mail password gets a stand-in"
    assert len(values["shop_key_v1"]) == 12
    assert sent["env"] == {"DOMAIN": "shop.test"}
    assert sent["docker_config"] == "/root/.docker"
    assert [one["path"] for one in sent["files"]] == ["compose.yml"]


def test_what_is_there_is_kept(app: App) -> None:
    there = {**OBSERVED, "secrets": ["shop_key_v1", "shop_mail_v1"], "networks": ["proxy"]}
    script = Script(render={**RENDERED, **there}, deploy=DEPLOYED, look=converged())
    STACK.deploy(machine(script), app)
    (sent,) = script.sent("deploy")
    assert sent["networks"] == sent["secrets"] == []


def test_no_secret_is_in_an_argv(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED}, deploy=DEPLOYED, look=converged())
    executor = FakeExecutor({"python3 -I -c": script})
    STACK.deploy(fake_machine(executor), app)
    values = [one["value"] for one in script.sent("deploy")[0]["secrets"]]
    words = " ".join(word for argv, _ in executor.runs for word in argv)
    assert not [value for value in values if value in words]


def test_an_operators_app_waits_for_the_secret_that_only_he_knows(app: App) -> None:
    theirs = App(**{**{name: getattr(app, name) for name in App.__slots__}, "sampled": False})
    script = Script(render={**RENDERED, **OBSERVED})
    with pytest.raises(NotFoundError) as caught:
        STACK.deploy(machine(script), theirs)
    assert "shop_mail_v1" in caught.value.brief
    assert "shop_key_v1" not in caught.value.brief


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (CONFIG.replace("name: proxy", "name: lan"), "network lan"),
        (
            CONFIG.replace("networks: {proxy: null}", "configs: [{source: c}]")
            + "configs:\n  c: {name: shared, external: true}\n",
            "config shared",
        ),
    ],
)
def test_what_somebody_else_is_to_make_is_named(app: App, config: str, named: str) -> None:
    script = Script(render={**RENDERED, **OBSERVED, "config": config})
    with pytest.raises(NotFoundError) as caught:
        STACK.deploy(machine(script), app)
    assert named in caught.value.brief
    assert not script.sent("deploy")


def test_what_docker_cannot_read_is_told_in_its_words(app: App) -> None:
    script = Script(render={"exit_code": 1, "config": "", "raw": "", "stderr": "services.app is odd"})
    with pytest.raises(DeployError) as caught:
        STACK.images(machine(script), app)
    assert caught.value.details == "services.app is odd"
    assert "--env" in caught.value.resolution


NAMED = CONFIG + "configs:\n  site: {name: site_conf_v1, file: /x}\n"


@pytest.mark.parametrize("word", ["images", "service_images", "deploy"])
def test_a_confined_app_with_a_strangers_name_goes_no_further_than_its_rendering(word: str, app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED, "config": NAMED})
    with pytest.raises(RefusedError, match="config site_conf_v1"):
        getattr(STACK, word)(machine(script), replace(app, confined=True))
    assert [one["word"] for one in script.asked] == ["render"]


def test_an_operators_own_deploy_may_use_any_name(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED, "config": NAMED}, deploy=DEPLOYED, look=converged())
    assert STACK.deploy(machine(script), app).stack == "shop"


FOREIGN = CONFIG.replace("shop_mail_v1", "smtp_password")


def test_a_confined_app_makes_no_secret_under_a_strangers_name(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED, "config": FOREIGN})
    with pytest.raises(RefusedError, match="smtp_password"):
        STACK.deploy(machine(script), replace(app, confined=True))
    assert [one["word"] for one in script.asked] == ["render"]


def test_a_confined_app_uses_a_strangers_secret_that_is_there_and_makes_its_own(app: App) -> None:
    there = {**OBSERVED, "secrets": ["smtp_password"]}
    script = Script(render={**RENDERED, **there, "config": FOREIGN}, deploy=DEPLOYED, look=converged())
    STACK.deploy(machine(script), replace(app, confined=True))
    (sent,) = script.sent("deploy")
    assert [one["name"] for one in sent["secrets"]] == ["shop_key_v1"]


def test_an_operators_own_deploy_makes_a_secret_under_whatever_name(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED, "config": FOREIGN}, deploy=DEPLOYED, look=converged())
    STACK.deploy(machine(script), app)
    (sent,) = script.sent("deploy")
    assert {one["name"] for one in sent["secrets"]} == {"shop_key_v1", "smtp_password"}


def test_two_services_of_one_image_are_two_resolutions_of_one_image(app: App) -> None:
    config = {"services": {"app": {"image": "lab/app:1"}, "worker": {"image": "lab/app:1"}}}
    script = Script(render={**RENDERED, "config": json.dumps(config)})
    assert STACK.images(machine(script), app) == ("lab/app:1",)
    assert STACK.service_images(machine(script), app) == ("lab/app:1", "lab/app:1")


OLD_CLI = {"exit_code": 125, "config": "", "raw": "", "stderr": "unknown flag: --compose-file"}


def test_an_old_cli_falls_back_to_the_deployed_services(app: App) -> None:
    script = Script(render=OLD_CLI, look=converged())
    assert STACK.images(machine(script), app) == ("lab/app:1",)


def test_an_old_cli_with_nothing_deployed_says_so(app: App) -> None:
    script = Script(render=OLD_CLI, look={**converged(), "services": []})
    with pytest.raises(HostError, match="docker stack config"):
        STACK.images(machine(script), app)


def test_images_come_from_the_rendering(app: App) -> None:
    script = Script(render=RENDERED)
    assert STACK.images(machine(script), app) == ("lab/app:1",)
    assert script.asked[0]["observe"] is False


def with_services(*names: str) -> dict[str, Any]:
    return {**OBSERVED, "traces": {**NO_TRACES, "service": [f"shop_{name}" for name in names]}}


def test_a_stack_of_the_same_name_that_is_another_apps_is_left_alone(app: App) -> None:
    """`--prune` took its services, without a word."""
    script = Script(render={**RENDERED, **with_services("blog", "db")})
    with pytest.raises(RefusedError) as caught:
        STACK.deploy(machine(script), app)
    assert caught.value.brief == "The stack shop on ci is another app's: it runs shop_blog, shop_db."
    assert "--domain" in caught.value.resolution
    assert "teardown" in caught.value.resolution
    assert [one["word"] for one in script.asked] == ["render"]


@pytest.mark.parametrize(("there", "told"), [(["app"], ""), (["app", "db"], "removed from shop: shop_db")])
def test_what_a_newer_version_has_no_longer_is_told_and_goes(
    there: list[str], told: str, app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Script(render={**RENDERED, **with_services(*there)}, deploy=DEPLOYED, look=converged())
    STACK.deploy(machine(script), app)
    said = capsys.readouterr().err
    assert told in said
    assert ("removed" in said) == bool(told)


def test_a_deploy_lets_an_earlier_teardown_end(app: App) -> None:
    going = {**OBSERVED, "traces": {**NO_TRACES, "container": ["shop_app.1"], "network": ["shop_internal"]}}
    looks = [
        {**converged(), "traces": {**NO_TRACES, "container": ["shop_app.1"]}},
        {**converged(), "traces": NO_TRACES},
        converged(),
    ]
    script = Script(render={**RENDERED, **going}, deploy=DEPLOYED, look=list[Answer](looks))
    STACK.deploy(machine(script), app)
    assert [one["word"] for one in script.asked].index("deploy") > 2


def test_a_network_that_stays_is_used(app: App) -> None:
    stays = {**NO_TRACES, "network": ["shop_internal"]}
    script = Script(
        render={**RENDERED, **OBSERVED, "traces": stays},
        deploy=DEPLOYED,
        look={**converged(), "traces": stays},
    )
    STACK.deploy(machine(script), app)


BUSY = {"trouble": "busy", "message": "Somebody else is deploying"}


def test_another_deploy_is_waited_for(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED}, deploy=[BUSY, DEPLOYED], look=converged())
    STACK.deploy(machine(script), app)
    assert len(script.sent("deploy")) == 2
    first, second = script.sent("deploy")
    assert first["secrets"] == second["secrets"]


def test_another_deploy_without_end_is_told(app: App) -> None:
    script = Script(render={**RENDERED, **OBSERVED}, deploy=BUSY)
    with pytest.raises(WaitTimeoutError) as caught:
        STACK.deploy(machine(script), app)
    assert "Somebody else" in caught.value.details


@pytest.mark.parametrize(
    ("stderr", "advice"),
    [
        ("failed to update config: only updates to Labels are allowed", "raise its version"),
        ("no space left on device", "disk is full"),
        ("toomanyrequests: You have reached", "rate limit"),
        ("something else", "Correct what Docker names"),
    ],
)
def test_a_deploy_that_fails_advises(app: App, stderr: str, advice: str) -> None:
    script = Script(render={**RENDERED, **OBSERVED}, deploy={**DEPLOYED, "exit_code": 1, "stderr": stderr})
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine(script), app)
    assert caught.value.details == stderr
    assert advice in caught.value.resolution


def test_a_tag_without_digest_is_told(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    stderr = "image lab/app:1 could not be accessed on a registry to record\nits digest. Each node …\n"
    script = Script(render={**RENDERED, **OBSERVED}, deploy={**DEPLOYED, "stderr": stderr}, look=converged())
    STACK.deploy(machine(script), app)
    assert "no digest of lab/app:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reasons", "advice"),
    [
        ([], "check the recipe's reference"),
        (["manifest for lab/app:1 not found: manifest unknown"], "check the recipe's reference"),
        (["write /var/lib/docker/tmp/x: no space left on device"], "disk is full"),
        (["toomanyrequests: You have reached your pull rate limit"], "rate limit"),
    ],
)
def test_an_image_that_does_not_come_ends_early_with_the_reason(
    app: App, reasons: list[str], advice: str
) -> None:
    tasks = [
        task("rejected", id=f"t{n}", error="No such image: lab/app:1", desired="shutdown") for n in "123"
    ]
    script = Script(
        render={**RENDERED, **OBSERVED},
        deploy=DEPLOYED,
        look={**picture(service(), *tasks), "traces": NO_TRACES},
        pull_errors={"reasons": reasons},
    )
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine(script), app)
    lines = caught.value.details.splitlines()
    assert lines[0] == "shop_app: rejected 3 times (No such image: lab/app:1)"
    assert lines[1:] == [f"pull: {reason}" for reason in reasons]
    assert advice in caught.value.resolution
    (asked,) = script.sent("pull-errors")
    assert asked["tasks"] == ["t1", "t2", "t3"]


@pytest.mark.parametrize("timeout", [None, "1"])
def test_a_journal_that_cannot_be_read_hides_no_reason(timeout: str | None, app: App) -> None:
    """Neither of a deploy that ends early, nor of one that takes too long."""
    label = f"    deploy: {{labels: {{coop-cloud.shop.timeout: '{timeout}'}}}}\n" if timeout else ""
    times = "1" if timeout else "123"
    tasks = [task("rejected", id=f"t{n}", error="No such image: a", desired="shutdown") for n in times]
    if timeout:
        tasks.append(task("preparing", id="t9"))
    config = CONFIG.replace("    image: lab/app:1\n", "    image: lab/app:1\n" + label)
    script = Script(
        render={**RENDERED, **OBSERVED, "config": config},
        deploy=DEPLOYED,
        look={**picture(service(), *tasks), "traces": NO_TRACES},
        pull_errors={"trouble": "slow", "message": "docker stack took longer than 20 s."},
    )
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine(script), app)
    assert script.sent("pull-errors")
    assert "No such image: a" in caught.value.details
    assert "check the recipe's reference" in caught.value.resolution


def test_failures_of_one_kind_are_told_once(app: App) -> None:
    files = [f"write /var/lib/docker/tmp/GetImageBlob{n}: no space left on device" for n in (12, 34, 56)]
    reasons = [files[0], "manifest unknown", *files[1:]]
    tasks = [task("rejected", id=f"t{n}", error="No such image: a", desired="shutdown") for n in "123"]
    script = Script(
        render={**RENDERED, **OBSERVED},
        deploy=DEPLOYED,
        look={**picture(service(), *tasks), "traces": NO_TRACES},
        pull_errors={"reasons": reasons},
    )
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine(script), app)
    assert caught.value.details.splitlines()[1:] == [f"pull: {files[0]}", "pull: manifest unknown"]


def test_the_recipes_own_limit_ends_the_wait(app: App) -> None:
    label = "    deploy: {labels: {coop-cloud.shop.timeout: '1'}}\n"
    config = CONFIG.replace("    image: lab/app:1\n", "    image: lab/app:1\n" + label)
    pending = picture(service(), task("pending", error="no suitable node"))
    script = Script(
        render={**RENDERED, **OBSERVED, "config": config},
        deploy=DEPLOYED,
        look={**pending, "traces": NO_TRACES},
    )
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine(script), app)
    assert "within 1 s" in caught.value.brief
    assert caught.value.details == "shop_app: 0 of 1 up, pending (no suitable node)"


def test_the_host_waits_from_one_look_to_the_next(app: App) -> None:
    pending = {**picture(service(), task("preparing")), "traces": NO_TRACES, "mark": "pulling"}
    script = Script(render={**RENDERED, **OBSERVED}, deploy=DEPLOYED, look=[pending, pending, converged()])
    STACK.deploy(machine(script), app)
    looks = script.sent("look")
    assert [one["known"] for one in looks] == [None, "pulling", "pulling"]
    assert {one["patience"] for one in looks} == {SETTLING}, "to see at once that a task has settled"


def test_a_deploy_that_nobody_knows_the_end_of_is_not_made_twice(app: App) -> None:
    def lost(payload: dict[str, Any]) -> dict[str, Any]:
        raise UnansweredError("It may have run.")

    script = Script(render={**RENDERED, **OBSERVED}, deploy=lost)
    with pytest.raises(UnansweredError):
        STACK.deploy(machine(script), app)
    assert [one["word"] for one in script.asked] == ["render", "deploy"]


def test_a_teardown_goes_on_where_nobody_knows_how_far_it_is(app: App) -> None:
    left = [UnansweredError("It may have run.")]

    def once_lost(payload: dict[str, Any]) -> dict[str, Any]:
        if left:
            raise left.pop()
        return {"removed": [], "left": [], "secrets": [], "traces": GONE}

    assert teardown(machine(Script(remove=once_lost)), "shop").left == ()


def away(*errors: Exception) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Answers with the errors in turn, and with nothing left in the end."""
    left = list(errors)

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        if left:
            raise left.pop(0)
        return {"removed": [], "left": [], "secrets": [], "traces": GONE}

    return answer


def test_a_teardown_waits_for_a_daemon_that_starts_again(app: App) -> None:
    gone = away(
        HostError("Connection refused"), UnreachableError("No route"), HostError("Connection refused")
    )
    assert teardown(machine(Script(remove=gone)), "shop").left == ()


def test_a_teardown_does_not_wait_for_ever_for_a_daemon(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "AWAY", 0.3)
    with pytest.raises(HostError, match="Connection refused"):
        teardown(machine(Script(remove=away(*[HostError("Connection refused")] * 1000))), "shop")


def test_who_is_told_to_wait_has_been_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy stack is an answer: the half minute begins after it."""
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    patient = host.Patient(machine(Script(look=[BUSY, BUSY, away(HostError("Connection refused"))])))
    for _ in range(2):
        with pytest.raises(RefusedError):
            patient.ask("look", {}, timeout=1)
    assert patient.ask("look", {}, timeout=1) is None


def test_a_deploy_is_waited_for_across_a_daemons_restart(app: App) -> None:
    looks = [HostError("Connection refused"), UnreachableError("No route")]

    def look(payload: dict[str, Any]) -> dict[str, Any]:
        if looks:
            raise looks.pop(0)
        return converged()

    script = Script(render={**RENDERED, **OBSERVED}, deploy=DEPLOYED, look=look)
    assert STACK.deploy(machine(script), app).stack == "shop"
    assert looks == []


STACK_OF = "lab_test"
GONE = {**NO_TRACES, "secret": [], "config": [], "volume": []}


def test_a_teardown_repeats_until_nothing_is_left(app: App) -> None:
    first = {
        "removed": [["service", "shop_app"]],
        "left": [],
        "secrets": ["shop_inserted_v1"],
        "traces": {**GONE, "container": ["shop_app.1"]},
    }
    last = {"removed": [["volume", "shop_data"]], "left": [], "secrets": [], "traces": GONE}
    script = Script(remove=[first, BUSY, last])
    removal = STACK.teardown(machine(script), app)
    assert removal.removed == (("service", "shop_app"), ("volume", "shop_data"))
    assert removal.left == ()
    assert script.sent("remove")[2]["secrets"] == ["shop_inserted_v1"], "known though its service is gone"


def test_a_teardown_says_what_it_could_not_remove() -> None:
    answer = {
        "removed": [],
        "left": [["volume", "shop_data", "volume is in use"]],
        "secrets": [],
        "traces": {**GONE, "volume": ["shop_data"], "network": ["shop_internal"]},
    }
    removal = teardown(machine(Script(remove=answer)), "shop", timeout=0.5)
    assert set(removal.left) == {
        ("volume", "shop_data", "volume is in use"),
        ("network", "shop_internal", "still there"),
    }


def test_a_secret_that_another_stack_uses_is_not_waited_for_and_named_once() -> None:
    shared = {"smtp_password": "blog_app"}
    first: Answer = {**REMOVED, "shared": shared, "traces": {**GONE, "container": ["shop_app.1"]}}
    last: Answer = {**REMOVED, "removed": [], "shared": shared}
    script = Script(remove=[first, last])
    removal = teardown(machine(script), "shop")
    assert removal.left == (("secret", "smtp_password", "blog_app uses it too"),)
    assert [one["shared"] for one in script.sent("remove")] == [{}, shared]


def test_a_teardown_that_never_gets_its_turn_is_an_error() -> None:
    with pytest.raises(WaitTimeoutError):
        teardown(machine(Script(remove=BUSY)), "shop", timeout=0.5)


REMOVED: dict[str, Any] = {"removed": [["service", "shop_app"]], "left": [], "secrets": [], "traces": GONE}


def test_a_word_that_is_no_recipe_is_no_neighbours_stack() -> None:
    """After `deploy ./blog` a `teardown blog` took the stack `blog` of somebody else, volumes included."""
    script = Script(remove=REMOVED)
    with pytest.raises(NotFoundError, match="no recipe 'blog'") as caught:
        teardown_recipe(machine(script), "blog")
    assert "`./blog`" in caught.value.resolution
    assert "`invoke teardown NAME --stack`" in caught.value.resolution
    assert script.asked == []


@pytest.mark.parametrize("token", ["", "ab12cd"])
def test_a_word_that_is_no_recipe_may_be_a_stack_of_our_own(token: str, app: App) -> None:
    name = stack_name(own_domain(app.recipe, token))
    assert teardown_recipe(machine(Script(remove=REMOVED)), name).stack == name
    with pytest.raises(NotFoundError, match="ci has nothing of a stack"):
        teardown_recipe(machine(Script(remove={**REMOVED, "removed": []})), name)
    with pytest.raises(NotFoundError, match="no recipe"):
        teardown_recipe(machine(Script()), name, domain="shop.test")


@pytest.mark.parametrize("word", ["ccci-shop_test_eu", "my-ccci-shop_test", "ccci-shop", "./shop"])
def test_what_is_merely_like_a_stack_of_our_own_is_none(word: str) -> None:
    with pytest.raises(NotFoundError):
        teardown_recipe(machine(Script()), word)


def test_a_stack_that_is_named_as_one_goes_whoever_deployed_it() -> None:
    assert teardown_stack(machine(Script(remove=REMOVED)), "blog").stack == "blog"
    with pytest.raises(NotFoundError, match="ci has nothing of a stack 'blgo'"):
        teardown_stack(machine(Script(remove={**REMOVED, "removed": []})), "blgo")


def test_a_recipe_of_the_hosts_folders_is_deployed_and_torn_down(app: App) -> None:
    folder = app.recipe.folder
    words = {"recipes": [str(folder)]}
    script = Script(
        render={**RENDERED, **OBSERVED},
        deploy=DEPLOYED,
        look={
            **converged(),
            "services": [{**service(), "Spec": {**service()["Spec"], "Name": f"{STACK_OF}_app"}}],
        },
        remove={"removed": [], "left": [], "secrets": [], "traces": GONE},
    )
    there = machine(script, **words)
    deployment = deploy_recipe(there, folder.name, domain="lab.test")
    assert deployment.stack == STACK_OF
    assert teardown_recipe(there, folder.name, domain="lab.test").stack == STACK_OF


@pytest.mark.parametrize("name", ["", "a/b", "../x", "-x", "a b"])
def test_a_name_that_is_no_stacks(name: str) -> None:
    with pytest.raises(UsageError):
        teardown(machine(Script()), name)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("swarm", HostError),
        ("daemon", HostError),
        ("no-cli", HostError),
        ("refused", DeployError),
        ("busy", RefusedError),
    ],
)
def test_trouble_becomes_an_error_that_says_what_to_do(kind: str, error: type[Exception]) -> None:
    there = machine(Script(look={"trouble": kind, "message": "what the daemon said"}))
    with pytest.raises(error) as caught:
        host.ask(there, "look", {"stack": "shop"}, timeout=1)
    assert getattr(caught.value, "resolution", "")


def test_the_dockers_configuration_is_a_folder() -> None:
    elsewhere = {"account": "me", "pat": {"env": "X"}, "docker_config": "/home/ci/.docker/config.json"}
    assert host.docker_config_folder(machine(Script(), hub=elsewhere)) == "/home/ci/.docker"
    with pytest.raises(ConfigError, match=r"config\.json"):
        host.docker_config_folder(machine(Script(), hub={**elsewhere, "docker_config": "/x/docker.json"}))


def test_files_that_are_packed(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = app.recipe.folder
    (folder / "sub").mkdir()
    (folder / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "sub" / "run.sh").chmod(0o755)
    (folder / "inside").symlink_to("sub/run.sh")
    (folder / "outside").symlink_to("/etc/hostname")
    assert {one["path"]: one["mode"] for one in host.packed(app.recipe)} == {
        "compose.yml": 0o600,
        "inside": 0o700,
        "sub/run.sh": 0o700,
    }
    monkeypatch.setattr(host, "MOST_BYTES", 5)
    with pytest.raises(DeployError, match="larger than"):
        host.packed(app.recipe)


def test_a_file_that_is_too_large_is_not_read_whole(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    with (app.recipe.folder / "dump").open("wb") as file:
        file.truncate(64 << 20)
    monkeypatch.setattr(host, "MOST_BYTES", 1 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(DeployError, match="larger than 1 MiB"):
            host.packed(app.recipe)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["more.yml", "sub/more.yml"])
def test_a_compose_file_that_lies_elsewhere_is_named(name: str, app: App, tmp_path_factory: Any) -> None:
    """It was left out, and Docker told of no such file in a folder that nobody knows."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "more.yml").write_text("services: {}\n")
    first = name.partition("/")[0]
    (app.recipe.folder / first).symlink_to(elsewhere if "/" in name else elsewhere / name)
    uses = replace(app, compose_files=("compose.yml", name))
    assert [one["path"] for one in host.packed(app.recipe)] == ["compose.yml"]
    script = Script(render=RENDERED)
    with pytest.raises(ConfigError, match=f"does not hold its compose files itself: {name}"):
        STACK.images(machine(script), uses)
    assert script.asked == []
