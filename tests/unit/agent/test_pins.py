"""What recipes on the host pin, with Docker's parser played by the test."""

import os
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import dotenv, pins
from ccci_host.agent.problem import UnreadableError

COMPOSE = "services:\n  app:\n    image: ${REGISTRY:-org/app}:${VERSION:-1.0}-${FLAVOUR:-social}\n"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipes" / "app"
    folder.mkdir(parents=True)
    (folder / "compose.yml").write_text(COMPOSE)
    (folder / "compose.db.yml").write_text("services:\n  db:\n    image: postgres:16\n")
    (folder / "values.yml").write_text("no: compose file\n")
    (folder / ".env.sample").write_text(
        'VERSION=2.0  # the newest\nCOMPOSE_FILE="compose.yml"\nCOMPOSE_FILE="$COMPOSE_FILE:compose.db.yml"\n'
    )
    (folder / "abra.sh").write_text("export CONF_VERSION=v4\nf() {\n  export NOT=this\n}\n")
    return folder


def collect(recipe: Path, render: Any) -> dict[str, Any]:
    return pins.collect((str(recipe.parent),), recipe.parent.parent / "cache.json", render)


def test_it_is_rendered_with_what_its_environment_names(recipe: Path) -> None:
    asked: list[tuple[list[str], dict[str, str]]] = []

    def render(folder: Path, files: list[str], environment: dict[str, str]) -> str:
        assert folder == recipe
        asked.append((files, environment))
        return (
            "version: '3'\nservices:\n"
            '  app:\n    image: org/app:2.0-social\n  db:\n    image: "postgres:16"\n'
        )

    found = collect(recipe, render)
    assert asked == [
        (
            ["compose.yml", "compose.db.yml"],
            {
                "STACK_NAME": "pins",
                "CONF_VERSION": "v4",
                "VERSION": "2.0",
                "COMPOSE_FILE": "compose.yml:compose.db.yml",
            },
        )
    ]
    assert found["images"] == [["org/app:2.0-social", str(recipe)], ["postgres:16", str(recipe)]]
    assert not found["problems"]


def test_it_is_rendered_once_for_the_same_files(recipe: Path) -> None:
    calls = 0

    def render(*_: Any) -> str:
        nonlocal calls
        calls += 1
        return "services:\n  app:\n    image: org/app:1\n"

    assert collect(recipe, render) == collect(recipe, render)
    assert calls == 1
    (recipe / "compose.yml").write_text(COMPOSE + "# changed\n")
    collect(recipe, render)
    assert calls == 2


def test_what_does_not_render_pins_its_repositories(recipe: Path) -> None:
    def render(*_: Any) -> str:
        raise ValueError("services.app is wrong")

    found = collect(recipe, render)
    assert found["images"] == []
    assert {repository for repository, _ in found["repositories"]} == {"org/app", "postgres"}
    assert "services.app is wrong" in found["problems"][0]


@pytest.mark.parametrize(
    ("image", "pattern"),
    [
        ("app", "app"),
        ("app:1", "app"),
        ("ghcr.io/org/app@sha256:abc", "ghcr.io/org/app"),
        ("localhost:5000/app", "localhost:5000/app"),
        ("${REGISTRY:-org/app}:${VERSION}", "org/app"),
        ("${IMAGE}", "*"),
        ("${REGISTRY}/app:1", "*/app"),
        ("$IMAGE:1", "*"),
        ("${A:-${B:-org/inner}}:1", "org/inner"),
        ("${KNOWN}/app:1", "here/app"),
    ],
)
def test_the_repository_of_a_line_that_cannot_be_rendered(image: str, pattern: str) -> None:
    assert pins.repository_pattern(image, {"KNOWN": "here"}) == pattern


@pytest.mark.parametrize(
    ("app", "repositories"),
    [
        ("image: &img nextcloud:29\n  cron:\n    image: *img", {"nextcloud"}),
        ("image: *img\nx-img: &img 'nextcloud:29'", {"nextcloud"}),
        ("image: !!str nextcloud:29", {"nextcloud"}),
        ("image: &img !!str nextcloud:29", {"nextcloud"}),
        ("image: !!str &img nextcloud:29", {"nextcloud"}),
        ('"image": nextcloud:29', {"nextcloud"}),
        ("'image': 'nextcloud:29'", {"nextcloud"}),
        ("image : nextcloud:29", {"nextcloud"}),
        ("image:\n      nextcloud:29", {"nextcloud"}),
        ("<<: {image: nextcloud:29, restart: always}", {"nextcloud"}),
        ('{"image":"nextcloud:29"}', {"nextcloud"}),
        ("{restart: always, image: *img}\n  cron: {image: &img nextcloud:29}", {"nextcloud"}),
        ("image: nextcloud:29  # the image: of it", {"nextcloud"}),
        ("image: nextcloud\n    # image: &was other", {"nextcloud"}),
        ("command: 'a # b'\n    image: nextcloud", {"nextcloud"}),
        ("image: ${IMAGE:?has to be set}", {"*"}),
        ("image: ${A:-${B:-${C:-org/inner}}}:1", {"org/inner"}),
        ('image: "${REGISTRY:-org/app}:${VERSION}"', {"org/app"}),
        ("build: .  # no image yet", set()),
        ("image:\n    image: service/named/image", {"service/named/image"}),
    ],
)
def test_the_repositories_of_what_cannot_be_rendered(app: str, repositories: set[str]) -> None:
    assert pins.repositories_in(f"services:\n  app:\n    {app}\n", {}) == repositories


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("image: *img", "nothing says what *img is"),
        ("image: *img\nx-img: &img *img", "nothing says what *img is"),
        ("image: >-\n      nextcloud:29", "'>-' is no repository"),
        ("image: &img", "'&img' is no repository"),
        ('image: "next\\x63loud"', "is no image"),
        ("image: 'it''s'", "is no image"),
        ("image: {{ image }}", "'{{ image }}' is no image"),
        ("image: ${OPEN", "'${OPEN' is no image"),
        ("image: org/app:1 and more", "'org/app:1 and more' is no image"),
        ('image: ""', "'' is no repository"),
    ],
)
def test_a_recipe_of_which_not_even_the_repositories_can_be_read_is_unreadable(
    recipe: Path, app: str, said: str
) -> None:
    (recipe / "compose.yml").write_text(f"services:\n  app:\n    {app}\n")

    def refuse(*_: Any) -> str:
        raise ValueError("services.app is wrong")

    with pytest.raises(UnreadableError) as caught:
        collect(recipe, refuse)
    told = str(caught.value)
    assert f"the recipe {recipe} does not render with compose.yml" in told
    assert "services.app is wrong; the repositories in compose.yml cannot be read" in told
    assert told.endswith(said)


@pytest.mark.parametrize(
    "text",
    ["configs:\n  one:\n    name: image\n", "services:\n  app:\n    environment:\n      MEDIA: image\n"],
)
def test_an_overlay_needs_no_image(text: str) -> None:
    assert pins.repositories_in(text, {}) == set()


def test_a_recipe_that_is_unreadable_has_no_other_rendered_again(tmp_path: Path) -> None:
    for name, image in (("a", "org/app:1"), ("b", "*img")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yml").write_text(f"services:\n  app:\n    image: {image}\n")
    read: list[str] = []

    def render(folder: Path, *_: Any) -> str:
        read.append(folder.name)
        if folder.name == "b":
            raise ValueError("services.app is wrong")
        return "services:\n  app:\n    image: org/app:1\n"

    for _ in range(2):
        with pytest.raises(UnreadableError, match="app is wrong"):
            pins.collect((str(tmp_path),), tmp_path / "cache", render)
    assert read == ["a", "b", "b"]


def test_an_odd_byte_in_an_environment_harms_nobody(recipe: Path) -> None:
    (recipe / ".env.swp").write_bytes(b"b0VIM \xff\xfe\x00")
    assert collect(recipe, lambda *_: "services:\n  app:\n    image: org/app:1\n")["images"]


def test_a_recipe_that_changes_while_it_is_read_is_unreadable(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "_files_of", lambda folder: {".env.sample": "A=b"})
    with pytest.raises(UnreadableError, match="changed while it was read"):
        collect(recipe, lambda *_: "")


def test_a_folder_that_cannot_be_listed_is_unreadable(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root without capabilities cannot read somebody's private folder."""

    listdir = os.listdir

    def refuse(path: Path) -> list[str]:
        if Path(path) == recipe:
            raise PermissionError(13, "Permission denied", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(UnreadableError, match="Permission denied"):
        collect(recipe, lambda *_: "")


def test_what_does_not_render_now_is_tried_again(recipe: Path) -> None:
    def refuse(*_: object) -> str:
        raise ValueError("timed out")

    assert collect(recipe, refuse)["problems"]
    found = collect(recipe, lambda *_: "services:\n  app:\n    image: org/app:1\n")
    assert not found["problems"]
    assert found["images"]


def test_a_compose_file_elsewhere_counts_when_it_changes(recipe: Path) -> None:
    (recipe / "a" / "b").mkdir(parents=True)
    (recipe / ".env.sample").write_text("COMPOSE_FILE=compose.yml:a/b/db.conf\n")
    rendered = []
    for version in (1, 2):
        (recipe / "a" / "b" / "db.conf").write_text(f"services:\n  db:\n    image: org/db:{version}\n")
        image = f"services:\n  db:\n    image: org/db:{version}\n"
        rendered.append(collect(recipe, lambda *_, image=image: image)["images"][0][0])
    assert rendered == ["org/db:1", "org/db:2"]


def test_a_root_that_is_not_there_is_not_empty(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot be listed"):
        pins.collect((str(tmp_path / "nowhere"),), tmp_path / "cache.json")


def test_no_docker_cli_pins_the_repositories(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = pins.collect((str(recipe.parent),), recipe.parent.parent / "cache.json")
    assert {repository for repository, _ in found["repositories"]} == {"org/app", "postgres"}


DOCKER = """#!/bin/sh
/usr/bin/env > {folder}/environment
echo "services:"
echo "    image: org/app:$VERSION"
"""


@pytest.mark.parametrize("file", [".env.sample", "abra.sh"])
def test_a_recipe_does_not_choose_the_program_that_root_runs(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """Nor what is loaded into it, nor whom it asks."""
    theirs = recipe / "bin" / "docker"
    theirs.parent.mkdir()
    theirs.write_text(f"#!/bin/sh\necho ran > {tmp_path}/marker\necho services:\n")
    ours = tmp_path / "docker"
    ours.write_text(DOCKER.format(folder=tmp_path))
    for program in (theirs, ours):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    without = pins.collect((str(recipe.parent),), tmp_path / "without.json")
    assert ["org/app:2.0", str(recipe)] in without["images"]
    chosen = {"PATH": theirs.parent, "LD_PRELOAD": "./evil.so", "DOCKER_HOST": "ssh://there", "HOME": recipe}
    with (recipe / file).open("a") as text:
        text.writelines(f"export {name}={value}\n" for name, value in chosen.items())
    assert pins.collect((str(recipe.parent),), tmp_path / "with.json") == without
    assert not (tmp_path / "marker").exists()
    seen = (tmp_path / "environment").read_text().splitlines()
    assert "VERSION=2.0" in seen
    assert f"PATH={tmp_path}" in seen
    assert not {line.partition("=")[0] for line in seen} & ({*chosen} - {"PATH"})


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        *[(name, True) for name in ("PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "DOCKER_HOST")],
        *[(name, True) for name in ("DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "DOCKER_TLS")],
        *[(name, True) for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")],
        *[(name, True) for name in ("DOCKER_CLI_HOOKS", "DOCKER_CLI_OTEL_EXPORTER_OTLP_ENDPOINT")],
        *[(name, False) for name in ("DOMAIN", "PATH_PREFIX", "MEDIA_PATH", "HOMESERVER", "OLD_HOME")],
        *[(name, False) for name in ("LDAP_HOST", "OLD_LD_X", "DOCKER_SOCKET", "DOCKER_HOSTS", "DOCKER")],
    ],
)
def test_only_what_decides_over_docker_is_kept_from_it(name: str, left_out: bool) -> None:
    assert bool(pins.NOT_FOR_DOCKER.fullmatch(name)) is left_out


def test_an_environment_is_read_and_never_run() -> None:
    text = """
# a comment
NAME=plain
QUOTED="with # no comment"   # a comment
SINGLE='$NAME stays'
BUILT="$NAME:${QUOTED}"
COMMAND=`touch /tmp/never`
export EXPORTED=yes
UNKNOWN=$NOWHERE-x
EMPTY=
not a line
"""
    assert dotenv.parse(text) == {
        "NAME": "plain",
        "QUOTED": "with # no comment",
        "SINGLE": "$NAME stays",
        "BUILT": "plain:with # no comment",
        "COMMAND": "`touch /tmp/never`",
        "EXPORTED": "yes",
        "UNKNOWN": "-x",
        "EMPTY": "",
    }


def test_what_another_version_pins_is_not_remembered_as_this_one_s(recipe: Path) -> None:
    """A checkout while Docker renders: the files that were read are not those that it saw."""

    def render(folder: Path, *_: Any) -> str:
        return f"services:\n  app:\n    image: {(folder / 'compose.yml').read_text().split()[-1]}\n"

    def moved(folder: Path, *_: Any) -> str:
        (folder / "compose.yml").write_text("services:\n  app:\n    image: org/app:2\n")
        return render(folder)

    first = "services:\n  app:\n    image: org/app:1\n"
    (recipe / "compose.yml").write_text(first)
    with pytest.raises(UnreadableError, match="changed while it was read"):
        collect(recipe, moved)
    (recipe / "compose.yml").write_text(first)
    assert ["org/app:1", str(recipe)] in collect(recipe, render)["images"]


def test_a_recipe_that_changes_all_the_time_has_no_other_read_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yml").write_text(COMPOSE)
    read: list[str] = []

    def render(folder: Path, *_: Any) -> str:
        read.append(folder.name)
        if folder.name == "b":
            (folder / ".env").write_text(f"LOOK={len(read)}\n")
        return "services:\n  app:\n    image: org/app:1\n"

    for _ in range(2):
        with pytest.raises(UnreadableError, match="b was changed while it was read"):
            pins.collect((str(tmp_path),), tmp_path / "cache", render)
    assert read.count("a") == read[: read.index("b")].count("a")
