import re
import subprocess
from pathlib import Path

import pytest

from ccci_host.lab.images import catalogue
from ccci_host.lab.recipes_src import write_recipes
from ccci_host.lab.recipes_src.writer import RECIPES, RecipeSource


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_each_recipe_is_a_clean_repository_at_an_annotated_version(tmp_path: Path) -> None:
    assert write_recipes(tmp_path) == tuple(recipe.name for recipe in RECIPES)
    for recipe in RECIPES:
        folder = tmp_path / recipe.name
        assert git(folder, "describe") == recipe.version
        assert git(folder, "cat-file", "-t", recipe.version) == "tag"
        assert git(folder, "status", "--porcelain") == ""
        assert {"compose.yml", ".env.sample", "abra.sh", "README.md"} <= {path.name for path in recipe.files}


def test_the_same_recipes_have_the_same_commits(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_recipes(tmp_path / name)
    heads = {git(tmp_path / name / "small", "rev-parse", "HEAD") for name in ("one", "two")}
    assert len(heads) == 1


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    write_recipes(tmp_path)
    assert write_recipes(tmp_path) == ()


def test_what_somebody_changed_is_made_anew(tmp_path: Path) -> None:
    write_recipes(tmp_path)
    (tmp_path / "small" / "compose.yml").write_text("services: {}\n")
    (tmp_path / "mixed" / "left-behind").touch()
    assert write_recipes(tmp_path) == ("small", "mixed")
    assert "guestbook" in (tmp_path / "small" / "compose.yml").read_text()
    assert not (tmp_path / "mixed" / "left-behind").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(recipe.name for recipe in RECIPES)


def test_the_users_git_settings_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[tag]\n  gpgSign = true\n[commit]\n  gpgSign = true\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    write_recipes(tmp_path / "recipes")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_plain_image_of_a_recipe_is_in_the_catalogue(recipe: RecipeSource) -> None:
    known = set()
    for spec in catalogue():
        name = f"{spec.reference.registry}/{spec.reference.repository}"
        short = name.removeprefix("docker.io/").removeprefix("library/")
        known |= {f"{short}:{tag}" for tag in (spec.reference.tag, *spec.aliases)}
    images = [
        image
        for path in recipe.folder.rglob("compose*.yml")
        for image in re.findall(r"^\s+image: \"?([^\s\"$]+)\"?$", path.read_text(), re.MULTILINE)
    ]
    assert images
    assert {image if ":" in image else f"{image}:latest" for image in images} <= known
