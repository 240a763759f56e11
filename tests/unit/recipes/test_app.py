"""An app out of a recipe and its environment."""

from pathlib import Path

import pytest

from ccci_host.errors import ConfigError, DeployError
from ccci_host.recipes.app import NAME_LIMIT, make_app, own_domain, stack_name
from ccci_host.recipes.recipe import Recipe

SAMPLE = """TYPE=shop
DOMAIN=shop.example.com
SHOP_URL=https://shop.example.com
ALIAS=https://www.${DOMAIN}
ENTRY_VERSION=v1
COMPOSE_FILE="compose.yml"
COMPOSE_FILE="$COMPOSE_FILE:db/compose.db.yml"
SECRET_KEY_VERSION=v1 # length=16
"""


def recipe(folder: Path, sample: str = SAMPLE, compose: str = "services: {}\n") -> Recipe:
    (folder / "db").mkdir(exist_ok=True)
    (folder / "compose.yml").write_text(compose)
    (folder / "db" / "compose.db.yml").write_text("services: {}\n")
    (folder / ".env.sample").write_text(sample)
    (folder / "abra.sh").write_text("export ENTRY_VERSION=v7\n")
    return Recipe("shop", folder, "1.0.0")


def test_a_sample_becomes_an_environment_with_a_domain_of_ours(tmp_path: Path) -> None:
    app = make_app(recipe(tmp_path))
    assert app.domain == "ccci-shop.test"
    assert app.stack == "ccci-shop_test"
    assert app.sampled
    assert app.compose_files == ("compose.yml", "db/compose.db.yml")
    assert app.modifiers == {"SECRET_KEY_VERSION": {"length": "16"}}
    assert app.env == {
        "DOMAIN": "ccci-shop.test",
        "STACK_NAME": "ccci-shop_test",
        "TYPE": "shop",
        "SHOP_URL": "https://ccci-shop.test",
        "ALIAS": "https://www.ccci-shop.test",
        "ENTRY_VERSION": "v7",
        "COMPOSE_FILE": "compose.yml:db/compose.db.yml",
        "SECRET_KEY_VERSION": "v1",
    }


def test_nothing_of_this_process_is_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "leaks")
    app = make_app(recipe(tmp_path, "A=$OURS\nHOME_OF=$HOME\n"))
    assert (app.env["A"], app.env["HOME_OF"]) == ("", "")
    assert "PATH" not in app.env


def test_a_recipe_without_sample_and_versions_has_a_domain_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {}\n")
    app = make_app(Recipe("shop", tmp_path, "1"))
    assert app.env == {"DOMAIN": "ccci-shop.test", "STACK_NAME": "ccci-shop_test"}
    assert app.compose_files == ("compose.yml",)


def test_an_operators_file_is_taken_as_it_is(tmp_path: Path) -> None:
    env_file = tmp_path / "shop.env"
    env_file.write_text("FIRST=$STACK_NAME\nDOMAIN=shop.lab.test\nENTRY_VERSION=v1\n")
    app = make_app(recipe(tmp_path), env_file=env_file)
    assert (app.domain, app.stack, app.sampled) == ("shop.lab.test", "shop_lab_test", False)
    assert app.env["FIRST"] == "shop_lab_test"
    assert app.env["ENTRY_VERSION"] == "v7", "the maintainer's abra.sh has the last word"


def test_an_operators_stack_name_stays(tmp_path: Path) -> None:
    env_file = tmp_path / "shop.env"
    env_file.write_text("DOMAIN=shop.lab.test\nSTACK_NAME=mine\n")
    assert make_app(recipe(tmp_path), env_file=env_file).stack == "mine"
    assert make_app(recipe(tmp_path), "other.test", env_file).stack == "other_test"


def test_no_recipe_decides_under_which_name_it_is_deployed(tmp_path: Path) -> None:
    made = recipe(tmp_path, "DOMAIN=theirs.example.com\nSTACK_NAME=theirs_example_com\n")
    (tmp_path / "abra.sh").write_text("export STACK_NAME=production DOMAIN=production.org ENTRY_VERSION=v7\n")
    app = make_app(made, "run-17.test")
    assert (app.domain, app.stack) == ("run-17.test", "run-17_test")
    assert app.env == {"DOMAIN": "run-17.test", "STACK_NAME": "run-17_test", "ENTRY_VERSION": "v7"}
    env_file = tmp_path / "shop.env"
    env_file.write_text("DOMAIN=shop.lab.test\nSTACK_NAME=mine\n")
    operators = make_app(made, env_file=env_file)
    assert (operators.domain, operators.stack) == ("shop.lab.test", "mine")
    assert (operators.env["DOMAIN"], operators.env["STACK_NAME"]) == ("shop.lab.test", "mine")


@pytest.mark.parametrize("content", [None, "A=1\n", "DOMAIN=\n"])
def test_an_operators_file_must_be_there_and_name_a_domain(tmp_path: Path, content: str | None) -> None:
    env_file = tmp_path / "shop.env"
    if content is not None:
        env_file.write_text(content)
    with pytest.raises(ConfigError, match=r"shop\.env"):
        make_app(recipe(tmp_path), env_file=env_file)


@pytest.mark.parametrize(
    ("setting", "files"),
    [
        ("", ("compose.yml",)),
        ("db/compose.db.yml", ("db/compose.db.yml",)),
        ("$COMPOSE_FILE:db/compose.db.yml", ("compose.yml", "db/compose.db.yml")),
        ("compose.yml::./compose.yml:", ("compose.yml",)),
    ],
)
def test_compose_files(tmp_path: Path, setting: str, files: tuple[str, ...]) -> None:
    assert make_app(recipe(tmp_path, f'COMPOSE_FILE="{setting}"\n')).compose_files == files


@pytest.mark.parametrize("setting", ["nosuch.yml", "../outside.yml", "/etc/passwd"])
def test_a_compose_file_that_the_recipe_does_not_hold(tmp_path: Path, setting: str) -> None:
    (tmp_path / "outside.yml").write_text("services: {}\n")
    (tmp_path / "shop").mkdir()
    with pytest.raises(DeployError) as caught:
        make_app(recipe(tmp_path / "shop", f"COMPOSE_FILE=compose.yml:{setting}\n"))
    assert setting in caught.value.brief


def test_a_line_that_is_not_understood_is_a_note(tmp_path: Path) -> None:
    (note,) = make_app(recipe(tmp_path, "MIIEsecret\n")).notes
    assert note == "Left out, no assignment: line 1 of the .env."


def test_a_domain_of_ours_is_short_enough_for_the_longest_name(tmp_path: Path) -> None:
    suffix = "_registration_shared_secret_${SECRET_REGISTRATION_SHARED_SECRET_VERSION:-v1}"
    made = recipe(tmp_path, compose=f"secrets:\n  a:\n    name: ${{STACK_NAME}}{suffix}\n")
    long = Recipe("a-recipe-with-quite-a-long-name", made.folder, "1")
    domain = own_domain(long, "ab12cd")
    assert domain.endswith("--ab12cd.test")
    assert len(stack_name(domain) + "_registration_shared_secret_v1") <= NAME_LIMIT
    assert own_domain(long, "ab12cd") == domain
    assert own_domain(Recipe("a-recipe-with-quite-a-long-nose", made.folder, "1"), "ab12cd") != domain


def test_the_stack_name_is_that_of_abra() -> None:
    assert stack_name("cloud.example.org") == "cloud_example_org"
    assert stack_name("x" * 41 + ".org") == "x" * 41 + "_org", "45 characters"


def test_two_domains_that_begin_alike_do_not_meet_in_one_stack() -> None:
    domains = [f"{'x' * 70}.{end}" for end in ("org", "net", "a.b", "a_b")]
    names = {stack_name(domain) for domain in domains}
    assert len(names) == len(domains)
    assert {(len(name), name[:41]) for name in names} == {(45, "x" * 40 + "-")}


def test_a_recipe_without_a_sample_says_so(tmp_path: Path) -> None:
    made = recipe(tmp_path, "A=1\n")
    assert make_app(made).notes == ()
    (made.folder / ".env.sample").unlink()
    assert "has no .env.sample" in make_app(made).notes[0]
    env = tmp_path / "operators.env"
    env.write_text("DOMAIN=shop.example.org\n")
    assert make_app(made, env_file=env).notes == (), "an operator's environment stands for it"


@pytest.mark.parametrize("line", ["TYPE=shop", "TYPE=shop:1.0.0+2.0"])
def test_the_domain_is_filled_in_by_the_name_that_the_recipe_gives_itself(line: str, tmp_path: Path) -> None:
    made = recipe(tmp_path, f"{line}\nDOMAIN=shop.example.com\nMAIL=me@shop.example.com\n")
    cloned = Recipe("shop-coop-cloud", made.folder, "1")
    assert make_app(cloned, "a.test").env["MAIL"] == "me@a.test"


@pytest.mark.parametrize(("folder", "kind"), [("shop", "my-shop"), ("my-shop", "shop"), ("my.shop", "shop")])
def test_of_two_names_neither_cuts_the_other(folder: str, kind: str, tmp_path: Path) -> None:
    sample = f"TYPE={kind}\nA=www.{folder}.example.com\nB={kind}.example.com\nC=work-shop.example.com\n"
    env = make_app(Recipe(folder, recipe(tmp_path, sample).folder, "1"), "a.test").env
    assert (env["A"], env["B"], env["C"]) == ("www.a.test", "a.test", "work-shop.example.com")


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    made = recipe(tmp_path, "A=my-shop.example.com\nB=my.shop.example.com\n")
    env = make_app(Recipe("my.shop", made.folder, "1"), "a.test").env
    assert (env["A"], env["B"]) == ("my-shop.example.com", "a.test")
