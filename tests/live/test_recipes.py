"""Recipes on a real swarm: deployed, redeployed, broken, torn down, beside neighbours."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccci_host.config import Config
from ccci_host.errors import CcciError, DeployError
from ccci_host.lab import Lab
from ccci_host.lab.images import publish
from ccci_host.recipes import STACK, App, find_recipe, make_app, teardown
from ccci_host.records import Deployment
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live
NAME = "recipes-test"

COMPOSE = """---
version: "3.8"
services:
  app:
    image: ${REGISTRY:-lab-public/shop}:${SHOP_VERSION:-2.0.1}-${FLAVOUR:-social}
    entrypoint: ["/entry.sh", "serve"]
    environment:
      - DOMAIN
      - SHOP_URL
      - PATH_OF_OURS
      - KEY_FILE=/run/secrets/api-key
    secrets: [api-key, db_password]
    configs:
      - {source: entry, target: /entry.sh, mode: 0555}
    networks: [proxy, internal]
    volumes: ["files:/var/lib/data"]
    deploy:
      update_config: {failure_action: rollback, order: start-first}
      labels:
        - "traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`${EXTRA_DOMAINS})"
        - "coop-cloud.${STACK_NAME}.timeout=${TIMEOUT:-60}"
    healthcheck: {test: "test -s /run/secrets/api-key", interval: 1s, start_period: 1s}
networks:
  proxy: {external: true}
  internal:
volumes:
  files:
configs:
  entry:
    name: ${STACK_NAME}_entry_${ENTRY_VERSION}
    file: entry.sh.tmpl
    template_driver: golang
secrets:
  api-key: {external: true, name: "${STACK_NAME}_api-key_${SECRET_API_KEY_VERSION}"}
  db_password: {external: true, name: "${STACK_NAME}_db_password_${SECRET_DB_PASSWORD_VERSION:-v1}"}
"""
DB = """version: "3.8"
services:
  db:
    image: ghcr.io/lab-public/base:15
    networks: [internal]
    secrets: [db_password]
    deploy: {replicas: 2}
  setup:
    image: ghcr.io/lab-public/base:15
    entrypoint: ["/bin/true"]
    deploy: {restart_policy: {condition: on-failure}}
"""
SAMPLE = """TYPE=shop
DOMAIN=shop.example.com
SHOP_URL=https://shop.example.com/
## Domain aliases
EXTRA_DOMAINS=', `www.shop.example.com`'
SECRET_API_KEY_VERSION=v1   # length=40 charset=hex
SECRET_DB_PASSWORD_VERSION=v1
COMPOSE_FILE="compose.yml"
COMPOSE_FILE="$COMPOSE_FILE:db/compose.db.yml"
"""
ABRA = """export ENTRY_VERSION=v3
environment() {
  export ENTRY_VERSION=$1
}
"""
ENTRY = """#!/bin/sh
echo "of {{ env "STACK_NAME" }}"
exec "$@"
"""
IMAGES = ("lab-public/shop:2.0.1-social", "ghcr.io/lab-public/base:15")


@pytest.fixture(scope="module")
def hosts() -> Iterator[Config]:
    with own_instance(NAME) as config:
        for image in IMAGES:
            publish(Lab.default().hub, image, size=100_000)
        yield config


@pytest.fixture(scope="module")
def machine(hosts: Config) -> Iterator[Machine]:
    with open_machine(NAME, hosts.host[NAME]) as machine:
        yield machine


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe like the public ones: interpolated image, sub-folder, template, hyphens, back-ticks."""
    folder = tmp_path_factory.mktemp("recipes") / "shop"
    (folder / "db").mkdir(parents=True)
    (folder / "compose.yml").write_text(COMPOSE)
    (folder / "db" / "compose.db.yml").write_text(DB)
    (folder / ".env.sample").write_text(SAMPLE)
    (folder / "abra.sh").write_text(ABRA)
    (folder / "entry.sh.tmpl").write_text(ENTRY)
    return folder


def app_of(folder: Path, domain: str = "shop.test", *changes: tuple[str, str]) -> App:
    """The app of the recipe in `folder`, with `changes` to its compose file made in a copy."""
    if changes:
        copy = folder.parent / f"changed-{abs(hash(changes))}" / "shop"
        for file in folder.rglob("*"):
            if file.is_file():
                target = copy / file.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
        text = (copy / "compose.yml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (copy / "compose.yml").write_text(text)
        folder = copy
    return make_app(find_recipe(str(folder), []), domain)


@pytest.fixture
def clean(machine: Machine) -> None:
    """Nothing is left of another test. The others deploy over whatever they find, as an operator does."""
    assert teardown(machine, "shop_test").left == ()


Names = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def names(machine: Machine) -> Names:
    """Names of the services, secrets, … that the host has."""

    def of(kind: str) -> set[str]:
        form = "{{.ID}}" if kind == "image" else "{{.Names}}" if kind == "container" else "{{.Name}}"
        more = ["--no-trunc"] if kind in ("image", "container") else []
        every = ["--all"] if kind in ("image", "container") else []
        argv = ["docker", kind, "ls", *every, *more, "--format", form]
        return set(machine.run_repeatable(argv).check().text.split())

    return of


KINDS = ("service", "container", "secret", "config", "network", "volume", "image")


def everything(names: Names) -> dict[str, set[str]]:
    return {kind: names(kind) for kind in KINDS}


def environment_of(machine: Machine, service: str) -> list[str]:
    form = "{{json .Spec.TaskTemplate.ContainerSpec.Env}}"
    done = machine.run_repeatable(["docker", "service", "inspect", "--format", form, service])
    return sorted(word for word in done.check().text.strip("[]").replace('"', "").split(","))


@pytest.mark.usefixtures("clean")
def test_a_recipe_as_public_ones_are(machine: Machine, shop: Path, names: Names) -> None:
    app = app_of(shop)
    assert STACK.images(machine, app) == IMAGES
    before = everything(names)
    deployment = STACK.deploy(machine, app)
    by_name = {service.name: service for service in deployment.services}
    assert set(by_name) == {"shop_test_app", "shop_test_db", "shop_test_setup"}
    assert all(service.digest for service in deployment.services)
    assert [task.state for task in by_name["shop_test_db"].tasks] == ["running", "running"]
    assert [task.state for task in by_name["shop_test_setup"].tasks] == ["complete"]
    ran = {task.image_id for service in deployment.services for task in service.tasks}
    assert ran <= names("image"), "what ran is in the store, by its id"
    assert environment_of(machine, "shop_test_app") == [
        "DOMAIN=shop.test",
        "KEY_FILE=/run/secrets/api-key",
        "PATH_OF_OURS",
        "SHOP_URL=https://shop.test/",
    ]
    removal = STACK.teardown(machine, app)
    assert removal.left == ()
    after = everything(names)
    assert after["image"] >= before["image"] | ran, "a teardown removes no image"
    assert after["network"] - before["network"] <= {"proxy"}
    for kind in ("service", "container", "secret", "config", "volume"):
        assert after[kind] == before[kind]
    assert STACK.teardown(machine, app).removed == ()


@pytest.mark.usefixtures("clean")
def test_a_neighbour_whose_name_begins_alike_survives(machine: Machine, shop: Path, names: Names) -> None:
    STACK.deploy(machine, app_of(shop, "shop.test.eu"))
    create = ["docker", "secret", "create"]
    machine.executor.run([*create, "shop_test_of_a_person", "-"], input=b"x").check()
    before = everything(names)
    # As abra makes them: without a label of ours.
    for name in ("shop_test_api-key_v10", "shop_test_db_password_v10"):
        machine.executor.run([*create, name, "-"], input=b"by another").check()
    app = app_of(shop)
    env = {**app.env, "SECRET_API_KEY_VERSION": "v10", "SECRET_DB_PASSWORD_VERSION": "v10"}
    STACK.deploy(machine, App(app.recipe, app.domain, app.stack, env, app.compose_files))
    removal = teardown(machine, "shop_test")
    assert ("secret", "shop_test_api-key_v10") in removal.removed
    assert everything(names) == before


def test_a_redeploy_keeps_the_secrets_and_a_changed_one_updates(machine: Machine, shop: Path) -> None:
    app = app_of(shop)
    listing = ["docker", "secret", "ls", "--format", "{{.ID}} {{.Name}}"]
    first = STACK.deploy(machine, app)
    secrets = machine.run_repeatable(listing).check().text
    second = STACK.deploy(machine, app)
    assert machine.run_repeatable(listing).check().text == secrets
    assert task_ids(second) == task_ids(first), "nothing changed, nothing was started again"
    changed = app_of(shop, "shop.test", ("- SHOP_URL\n", "- SHOP_URL=https://other.test/\n"))
    third = STACK.deploy(machine, changed)
    assert "SHOP_URL=https://other.test/" in environment_of(machine, "shop_test_app")
    assert task_ids(third)["shop_test_app"].isdisjoint(task_ids(first)["shop_test_app"])
    assert task_ids(third)["shop_test_db"] == task_ids(first)["shop_test_db"]


def task_ids(deployment: Deployment) -> dict[str, set[str]]:
    return {service.name: {task.id for task in service.tasks} for service in deployment.services}


def test_an_image_that_does_not_exist_ends_early_with_the_registrys_words(
    machine: Machine, shop: Path
) -> None:
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine, app_of(shop, "shop.test", ("SHOP_VERSION:-2.0.1", "SHOP_VERSION:-9.9")))
    assert "No such image: lab-public/shop:9.9-social" in caught.value.details
    assert "pull: " in caught.value.details
    assert "check the recipe's reference" in caught.value.resolution


def test_a_version_that_does_not_come_up_is_rolled_back_and_told(machine: Machine, shop: Path) -> None:
    STACK.deploy(machine, app_of(shop))
    with pytest.raises(DeployError) as caught:
        STACK.deploy(machine, app_of(shop, "shop.test", ('"serve"]', '"false"]')))
    assert "shop_test_app: rollback" in caught.value.details
    assert "non-zero exit (1)" in caught.value.details


def test_a_deploy_right_after_stack_rm_waits_until_that_is_over(machine: Machine, shop: Path) -> None:
    app = app_of(shop)
    STACK.deploy(machine, app)
    machine.executor.run(["docker", "stack", "rm", "shop_test"]).check()
    assert len(STACK.deploy(machine, app).services) == 3


def test_two_deploys_at_once_end_in_one_stack(hosts: Config, shop: Path) -> None:
    app = app_of(shop)
    ends: list[Deployment | CcciError] = []

    def deploy(way: str) -> None:
        with open_machine(way, hosts.host[way]) as machine:
            try:
                ends.append(STACK.deploy(machine, app))
            except CcciError as error:
                ends.append(error)

    threads = [threading.Thread(target=deploy, args=(way,)) for way in (NAME, f"{NAME}-remote")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = ends
    assert isinstance(one, Deployment)
    assert isinstance(other, Deployment)
    assert task_ids(one) == task_ids(other)


def test_a_full_disk_is_told(machine: Machine, shop: Path) -> None:
    image = "lab-public/large:1"
    publish(Lab.default().hub, image, size=8_000_000)
    sh = ["sh", "-c"]
    fill = (
        "fallocate -l $(( $(df --output=avail -k /var/lib/docker | tail -1) - 4000 ))k /var/lib/docker/full"
    )
    machine.executor.run([*sh, fill]).check()
    try:
        with pytest.raises(DeployError) as caught:
            STACK.deploy(
                machine, app_of(shop, "shop.test", ("${REGISTRY:-lab-public/shop}", "lab-public/large:1 # "))
            )
    finally:
        machine.executor.run(["rm", "/var/lib/docker/full"]).check()
    assert "no space left on device" in caught.value.details
    assert "disk is full" in caught.value.resolution


@pytest.mark.parametrize("name", ["several", "mixed"])
def test_the_labs_recipes_through_the_remote_doors(hosts: Config, name: str, names: Names) -> None:
    host = hosts.host[f"{NAME}-remote"]
    with open_machine(f"{NAME}-remote", host) as machine:
        app = make_app(find_recipe(name, host.recipes))
        images = STACK.images(machine, app)
        deployment = STACK.deploy(machine, app)
        assert {
            service.image.partition("@")[0].removesuffix(":latest") for service in deployment.services
        } == {image.removesuffix(":latest") for image in images}
        assert all(service.digest for service in deployment.services)
        assert all(service.tasks for service in deployment.services)
        ran = {task.image_id for service in deployment.services for task in service.tasks}
        assert STACK.teardown(machine, app).left == ()
        assert ran <= names("image")
