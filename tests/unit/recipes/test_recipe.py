"""Finding a recipe, and the version that git gives it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

import pytest

from ccci_host.errors import ConfigError, NotFoundError
from ccci_host.recipes import make_app
from ccci_host.recipes.host import packed
from ccci_host.recipes.recipe import UNVERSIONED, find_recipe


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "compose.yml").write_text("services: {}\n")
    return folder


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    argv = ["git", *who, "-C", str(folder), *words]
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)


def test_a_name_is_a_folder_in_a_root_and_a_path_is_itself(tmp_path: Path) -> None:
    shop = make(tmp_path / "recipes" / "shop")
    root = tmp_path / "recipes"
    assert find_recipe("shop", [tmp_path / "none", root]).folder == shop
    assert find_recipe(str(shop), []).name == "shop"
    assert find_recipe("shop", [shop]).folder == shop, "a root may be the recipe itself"


def test_an_unknown_name_tells_which_there_are(tmp_path: Path) -> None:
    make(tmp_path / "shop")
    make(tmp_path / "blog")
    (tmp_path / "no-recipe").mkdir()
    with pytest.raises(NotFoundError) as caught:
        find_recipe("wiki", [tmp_path])
    assert caught.value.brief == "There is no recipe 'wiki'."
    assert caught.value.details == "Known: blog, shop."


def test_a_path_below_the_home_of_nobody_is_no_recipe() -> None:
    with pytest.raises(NotFoundError, match="There is no recipe '~nobody-at-all/shop'"):
        find_recipe("~nobody-at-all/shop", [])


@pytest.mark.parametrize("as_path", [True, False])
def test_a_folder_without_a_compose_file_is_called_just_that(as_path: bool, tmp_path: Path) -> None:
    folder = tmp_path / "no-recipe"
    folder.mkdir()
    with pytest.raises(NotFoundError) as caught:
        find_recipe(str(folder) if as_path else folder.name, [tmp_path])
    assert caught.value.brief == f"{folder} holds no compose.yml."


def test_the_version_is_that_of_the_tag_and_says_what_differs_from_it(tmp_path: Path) -> None:
    shop = make(tmp_path / "shop")
    assert find_recipe("shop", [tmp_path]).version == UNVERSIONED
    git(shop, "init", "-q")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "one")
    git(shop, "tag", "-am", "one", "1.0.0+2.3.4")
    assert find_recipe("shop", [tmp_path]).version == "1.0.0+2.3.4"
    (shop / "more.yml").write_text("")
    assert find_recipe("shop", [tmp_path]).version == "1.0.0+2.3.4-dirty"


NOT_ROOT = "only root can give a folder to another user"


def trapped(shop: Path) -> Path:
    """A repository whose owner has programs run wherever git would: they write to the file that is returned.

    Its newest commit builds on one that is not there and that git would fetch.
    """
    git(shop, "init", "-q")
    git(shop, "commit", "-qm", "none", "--allow-empty")
    (shop / ".gitattributes").write_text("* filter=trap\n")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "one")
    git(shop, "tag", "1.0.0+2.3.4")
    git(shop, "commit", "-qm", "two", "--allow-empty")
    ran, trap = shop.parent / "ran", shop.parent / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {ran}\n')
    trap.chmod(0o755)
    for name in ("post-index-change", "post-checkout", "reference-transaction"):
        shutil.copy(trap, shop / ".git" / "hooks" / name)
    (shop / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {trap}\n\tsshCommand = {trap}\n")
    for key, value in {
        "filter.trap.clean": f"{trap} filter",
        "include.path": "more",
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(shop.parent),
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": f"{trap} uploadpack",
    }.items():
        git(shop, "config", key, value)
    for path in (shop / "compose.yml", shop / ".gitattributes"):
        os.utime(path, (1, 1))
    ran.unlink(missing_ok=True)
    return ran


def forgotten(shop: Path, commit: str) -> None:
    """Take a commit out of the repository's store."""
    argv = ["git", "-c", f"safe.directory={shop}", "-C", str(shop), "rev-parse", commit]
    found = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    (shop / ".git" / "objects" / found[:2] / found[2:]).unlink()


def given_away(path: Path) -> None:
    """Let all below `path` be nobody's."""
    for one in (path, *path.rglob("*")):
        shutil.chown(one, "nobody")


@pytest.mark.skipif(os.geteuid() != 0, reason=NOT_ROOT)
@pytest.mark.parametrize("theirs", ["", ".git"])
def test_nothing_runs_that_another_user_configures(theirs: str, tmp_path: Path) -> None:
    shop = make(tmp_path / "shop")
    ran = trapped(shop)
    given_away(shop / theirs)
    assert find_recipe("shop", [tmp_path]).version.startswith("1.0.0+2.3.4-1-g")
    assert find_recipe("shop", [tmp_path]).version.endswith("-unchecked"), "it is not said to be clean"
    assert not ran.exists()
    git(shop, "-c", f"safe.directory={shop}", "status")
    assert "filter" in ran.read_text(), "the traps were set"
    assert "post-index-change" in ran.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason=NOT_ROOT)
def test_nothing_is_fetched_for_another_users_version(tmp_path: Path) -> None:
    """git asks the repository's `uploadpack` for a commit that is missing on the way to a tag."""
    shop = make(tmp_path / "shop")
    ran = trapped(shop)
    forgotten(shop, "HEAD~1")
    given_away(shop)
    find_recipe("shop", [tmp_path])
    assert not ran.exists()
    git(shop, "-c", f"safe.directory={shop}", "describe", "--tags", "--always")
    assert "uploadpack" in ran.read_text(), "the trap was set"


def test_what_is_not_ours_is_not_said_to_be_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another user's eyes, which takes no root."""
    shop = make(tmp_path / "shop")
    ran = trapped(shop)
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert find_recipe("shop", [tmp_path]).version.endswith("-unchecked")
    assert not ran.exists()


def test_a_repository_without_a_commit_has_no_version(tmp_path: Path) -> None:
    git(make(tmp_path / "shop"), "init", "-q")
    assert find_recipe("shop", [tmp_path]).version == UNVERSIONED


def test_a_folder_inside_another_repository_has_no_version(tmp_path: Path) -> None:
    git_root = tmp_path / "checkout"
    make(git_root / "shop")
    git(git_root, "init", "-q")
    git(git_root, "add", ".")
    git(git_root, "commit", "-qm", "one")
    assert find_recipe("shop", [git_root]).version == UNVERSIONED


def test_a_missing_file_is_none_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    shop = make(tmp_path / "shop")
    (shop / "abra.sh").write_text("")
    recipe = find_recipe("shop", [tmp_path])
    assert recipe.file("abra.sh") == ""
    assert recipe.file(".env.sample") is None


def test_a_file_that_cannot_be_read_is_named_and_no_defect(tmp_path: Path) -> None:
    (make(tmp_path / "shop") / ".env.sample").mkdir()
    with pytest.raises(ConfigError, match=r"\.env\.sample of the recipe shop cannot be read"):
        make_app(find_recipe("shop", [tmp_path]))


def test_a_recipe_that_is_open_in_an_editor_can_be_deployed(tmp_path: Path) -> None:
    """Emacs keeps a link to nowhere beside a file that is being changed."""
    (make(tmp_path / "shop") / ".#compose.yml").symlink_to("me@machine.42:1")
    (tmp_path / "shop" / "parts.yml").mkdir()
    recipe = find_recipe("shop", [tmp_path])
    assert make_app(recipe).stack == "ccci-shop_test"
    assert [file["path"] for file in packed(recipe)] == ["compose.yml"]


def test_a_file_that_cannot_be_sent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> IO[bytes]:
        raise PermissionError(13, "Permission denied")

    make(tmp_path / "shop")
    recipe = find_recipe("shop", [tmp_path])
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigError, match=r"compose\.yml of the recipe shop cannot be read"):
        packed(recipe)


def test_a_root_that_may_not_be_entered_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(ConfigError, match="cannot be looked for") as caught:
        find_recipe("shop", [tmp_path])
    assert "Permission denied" in caught.value.details
