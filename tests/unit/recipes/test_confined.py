"""A stack that is to keep to names of its own."""

from pathlib import Path

import pytest

from ccci_host.errors import RefusedError
from ccci_host.recipes.app import App
from ccci_host.recipes.confined import check_confined, check_secrets
from ccci_host.recipes.recipe import Recipe
from ccci_host.recipes.rendered import read_rendered

RENDERED = """services: {app: {image: lab/app}}
configs: {site: {name: site_conf_v1, file: /x}}
volumes: {data: {name: production_data}}
"""
FILES = {
    "compose.yml": "services: {}\nvolumes: {data: {name: production_data}}\n",
    "db/compose.db.yml": "configs: {site: {name: site_conf_v1}}\n",
}


def an_app(folder: Path, files: dict[str, str]) -> App:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return App(Recipe("shop", folder, "1"), "a.test", "a_test", {}, tuple(files), confined=True)


def test_each_name_is_told_with_its_file_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        check_confined(an_app(tmp_path, FILES), read_rendered(RENDERED, "", stack="a_test"))
    assert caught.value.brief == (
        "shop uses names that may be somebody else's: config site_conf_v1, volume production_data."
    )
    assert caught.value.details.splitlines() == [
        "site_conf_v1 is `site` under `configs` in db/compose.db.yml.",
        "production_data is `data` under `volumes` in compose.yml.",
    ]
    assert "${STACK_NAME}_" in caught.value.resolution


def test_where_a_file_does_not_tell_all_are_named(tmp_path: Path) -> None:
    files = {"compose.yml": "volumes: [\n", "more.yml": "- no section\n"}
    with pytest.raises(RefusedError, match=r"`data` under `volumes` in compose\.yml, more\.yml\."):
        check_confined(an_app(tmp_path, files), read_rendered(RENDERED, "", stack="a_test"))


def test_names_of_its_own_are_no_trouble(tmp_path: Path) -> None:
    own = RENDERED.replace("site_conf", "a_test_conf").replace("production", "a_test")
    check_confined(an_app(tmp_path, FILES), read_rendered(own, "", stack="a_test"))


SECRETS = """services: {app: {image: lab/app, secrets: [{source: key}, {source: mail}, {source: alike}]}}
secrets:
  key: {name: a_test_key_v1, external: true}
  mail: {name: smtp_password, external: true}
  alike: {external: {name: a_testing}}
  unused: {name: of_nobody, external: true}
"""


def test_a_strangers_secret_that_is_missing_is_for_a_person_to_make(tmp_path: Path) -> None:
    app, rendered = an_app(tmp_path, FILES), read_rendered(SECRETS, "", stack="a_test")
    with pytest.raises(RefusedError) as caught:
        check_secrets(app, rendered, ["other"], host="ci")
    assert caught.value.brief == "shop uses secrets that ci does not have: smtp_password, a_testing."
    assert "external" in caught.value.details
    assert "docker secret create" in caught.value.resolution
    assert "${STACK_NAME}_" in caught.value.resolution


def test_a_strangers_secret_that_is_there_is_used(tmp_path: Path) -> None:
    app, rendered = an_app(tmp_path, FILES), read_rendered(SECRETS, "", stack="a_test")
    check_secrets(app, rendered, ["smtp_password", "a_testing"], host="ci")
