"""What is read from `docker stack config`."""

import json

import pytest
import yaml

from ccci_host.errors import DeployError
from ccci_host.lab.recipes_src.writer import RECIPES, RecipeSource
from ccci_host.recipes.rendered import DEFAULT_TIMEOUT, read_rendered

CONFIG = """version: "3.8"
services:
  app:
    image: ghcr.io/lab/app:1.10
    deploy:
      labels:
        coop-cloud.shop_test.timeout: "120"
        traefik.enable: "true"
    networks:
      internal: null
      proxy: null
      host: null
    secrets:
      - source: db-password
      - source: api_key
        target: key
    configs:
      - source: entry
      - source: shared
  db:
    image: mariadb
    deploy:
      labels:
        coop-cloud.shop_test.timeout: "90"
  worker:
    image: ghcr.io/lab/app:1.10
networks:
  internal: {}
  proxy:
    name: proxy
    external: true
  host:
    name: host
    external: true
  unused:
    external: true
secrets:
  db-password:
    name: shop_test_db_password_v1
    external: true
  api_key:
    name: shop_test_api_key_v2
    external: true
  unused:
    name: shop_test_unused_v1
    external: true
configs:
  entry:
    name: shop_test_entry_v3
    file: /run/x/entry.sh
  shared:
    external: true
"""
RAW = """secrets:
  db-password:
    name: ${STACK_NAME}_db_password_${SECRET_DB_PASSWORD_VERSION}
  api_key:
    name: ${STACK_NAME}_api_key_${SECRET_THE_KEY_VERSION:-v1}
"""


def test_what_a_deploy_has_to_know() -> None:
    rendered = read_rendered(CONFIG, RAW, stack="shop_test")
    assert rendered.services == ("app", "db", "worker")
    assert rendered.images == ("ghcr.io/lab/app:1.10", "mariadb", "ghcr.io/lab/app:1.10")
    assert rendered.timeout == 120
    assert rendered.external_secrets == {
        "shop_test_db_password_v1": "SECRET_DB_PASSWORD_VERSION",
        "shop_test_api_key_v2": "SECRET_THE_KEY_VERSION",
    }
    assert rendered.external_configs == ("shared",)
    assert rendered.external_networks == ("proxy",)


def test_without_the_raw_text_the_secrets_key_names_its_variable() -> None:
    rendered = read_rendered(CONFIG, "", stack="shop_test")
    assert rendered.external_secrets["shop_test_db_password_v1"] == "SECRET_DB_PASSWORD_VERSION"
    assert rendered.external_secrets["shop_test_api_key_v2"] == "SECRET_API_KEY_VERSION"


@pytest.mark.parametrize("said", ["", "0", "soon", "-5"])
def test_a_timeout_that_is_none(said: str) -> None:
    config = CONFIG.replace('"120"', f'"{said}"').replace('"90"', f'"{said}"')
    assert read_rendered(config, "", stack="shop_test").timeout == DEFAULT_TIMEOUT


def test_another_stacks_label_says_nothing() -> None:
    assert read_rendered(CONFIG, "", stack="shop").timeout == DEFAULT_TIMEOUT


def test_a_tag_stays_text() -> None:
    config = "services:\n  app:\n    image: lab/app:1.10\n  db:\n    image: 1.20\n"
    assert read_rendered(config, "", stack="s").images == ("lab/app:1.10", "1.20")


def test_a_name_that_docker_would_refuse_is_named_with_its_length() -> None:
    long = "shop_test_" + "x" * 55
    with pytest.raises(DeployError) as caught:
        read_rendered(CONFIG.replace("shop_test_entry_v3", long), "", stack="shop_test")
    assert caught.value.details == f"{long} has 65."
    read_rendered(CONFIG.replace("shop_test_entry_v3", long[:-1]), "", stack="shop_test")


def test_a_secret_without_version_names_the_variable_to_set() -> None:
    with pytest.raises(DeployError) as caught:
        read_rendered(CONFIG.replace("api_key_v2", "api_key_"), RAW, stack="shop_test")
    assert "SECRET_THE_KEY_VERSION" in caught.value.brief
    assert caught.value.resolution == "Add SECRET_THE_KEY_VERSION=v1 to it."
    read_rendered(CONFIG.replace("unused_v1", "unused_"), RAW, stack="shop_test")


NAMED = """services: {app: {image: lab/app}}
configs:
  plain: {file: /x}
  own: {name: shop_test_entry_v1, file: /x}
  theirs: {name: site_conf_v1, file: /x}
  alike: {name: shop_test, file: /x}
  used: {name: site_conf_v2, external: true}
secrets:
  theirs: {name: key_v1, file: /x, external: false}
  used: {external: {name: key_v2}}
volumes:
  plain:
  own: {name: shop_test_data}
  own_external: {name: shop_test_more, external: true}
  theirs: {name: production_data}
  external: {external: true}
  by_old_name: {external: {name: old_data}}
networks:
  plain: {}
  proxy: {name: proxy, external: true}
  theirs: {name: production_net}
"""


def test_names_that_are_not_the_stacks() -> None:
    rendered = read_rendered(NAMED, "", stack="shop_test")
    assert [(one.section, one.key, one.name) for one in rendered.foreign] == [
        ("configs", "theirs", "site_conf_v1"),
        ("configs", "alike", "shop_test"),
        ("secrets", "theirs", "key_v1"),
        ("volumes", "theirs", "production_data"),
        ("volumes", "external", "external"),
        ("volumes", "by_old_name", "old_data"),
        ("networks", "theirs", "production_net"),
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_labs_recipes_have_names_of_their_own(recipe: RecipeSource) -> None:
    files = sorted(recipe.folder.rglob("compose*.yml"))
    assert files
    for file in files:  # not interpolated, so each name begins with the variable
        tree = {**yaml.load(file.read_text(), Loader=yaml.BaseLoader), "services": {"app": {}}}
        assert read_rendered(json.dumps(tree), "", stack="${STACK_NAME}").foreign == ()


def test_no_service_is_an_error() -> None:
    with pytest.raises(DeployError, match="define no service"):
        read_rendered("services: {}\n", "", stack="s")
