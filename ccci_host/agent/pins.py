"""The images that recipes on the host pin, as Docker's own parser reads the recipes.

A recipe is a folder with a compose file, in a recipe root or being one. It is rendered with `docker stack
config` once for its sample environment and once for each further `.env` in it, with the files that the
environment names, and once for each further compose file on top of these. What does not render pins its
repositories: `image:` lines with their variables at their default, or open. A recipe of which not even these
can be read is unreadable.

What could be rendered is remembered by the content of the recipe's files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

from . import dotenv, storage
from .problem import UnreadableError

Render = Callable[[Path, "list[str]", "dict[str, str]"], str]
"""Folder, compose files and environment to Docker's reading of them; raises `ValueError`."""

MAIN = ("compose.yml", "compose.yaml", "docker-compose.yml")
TIMEOUT = 30.0
CACHE_FILE = "pins.json"

NOT_FOR_DOCKER = re.compile(
    r"PATH|HOME|LD_\w*|DOCKER_(?:HOST|CONTEXT|CONFIG|AUTH_CONFIG|TLS\w*|CERT_PATH|API_VERSION|CLI_\w*)"
)
"""Variables that decide which code runs as `docker`, or which daemon and which configuration it uses."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?[^}]*\}|\$(\w+)")
_COMMENT = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*')|(?<!\S)#[^\n]*""")
"""A comment, or a quoted text, in which there is none."""
_IMAGE_KEY = re.compile(
    r"""(?:^[ \t]*(?:-[ \t]+)*|[{,][ \t]*)(?:image[ \t]*:(?=\s|$)|(["'])image\1[ \t]*:)""", re.MULTILINE
)
_NESTED = re.compile(r"""[ \t]*\n\s*[\w."'-]+[ \t]*:(?:\s|$)""")
"""Behind a key that has no value of its own: the next key."""
_BRACED = r"\$\{(?:[^{}\n]|\$\{(?:[^{}\n]|\$\{[^{}\n]*\})*\})*\}"
"""A variable with its default, which may hold one that holds one."""
_VALUE = re.compile(
    r"\s*(?:[&!]\S*\s+)*"  # anchors and tags
    r"(?:\*(?P<alias>[^\s,\[\]{}]+)"
    r"""|"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\n]*)'"""
    rf"""|(?P<plain>(?:{_BRACED}|[^\s,\[\]{{}}"'#])+)(?<!:))"""
    r"[ \t]*(?:$|[,}])",
    re.MULTILINE,
)
_REPOSITORY = re.compile(r"[A-Za-z0-9*][A-Za-z0-9*._:/-]*")
_RENDERED_IMAGE = re.compile(r"^    image: (.+)$", re.MULTILINE)


def collect(roots: tuple[str, ...], cache: Path, render: Optional[Render] = None) -> dict[str, Any]:
    """The pins of all recipes under `roots`, as a snapshot's `pins.json` holds them.

    Raises `UnreadableError` when a root cannot be listed, for absent is not empty, and when a recipe neither
    renders nor says its repositories.
    """
    remembered = storage.recall(cache)
    now: dict[str, Any] = {}
    images: list[list[str]] = []
    repositories: list[list[str]] = []
    problems: list[str] = []
    for folder in _recipes(roots):
        files = _files_of(folder)
        key = _key(folder, files)
        known = remembered.get(key)
        if known is None:
            try:
                known = _read(folder, files, key, render or stack_config)
            except UnreadableError:
                storage.remember(cache, {**remembered, **now})  # the others need not be read again for it
                raise
        if not known["problems"]:  # what does not render now may do so another time
            now[key] = known
        images += [[image, str(folder)] for image in known["images"]]
        repositories += [[repository, str(folder)] for repository in known["repositories"]]
        problems += known["problems"]
    if now != remembered:
        storage.remember(cache, now)
    return {"images": images, "repositories": repositories, "problems": problems}


def _read(folder: Path, files: dict[str, str], key: str, render: Render) -> dict[str, Any]:
    """What a recipe pins, provided that it is still what was read when Docker has read it too."""
    known = _Recipe(folder, files, render).pins()
    if _key(folder, _files_of(folder)) != key:  # of a checkout, say
        raise UnreadableError(f"recipes: {folder} was changed while it was read")
    return known


def stack_config(folder: Path, files: list[str], environment: dict[str, str]) -> str:
    """`docker stack config`; raises `ValueError` when it refuses, or is not to be had.

    Docker fills in a recipe's variables from its own environment. Root runs it, and who writes a recipe is
    not root: `docker` is the one on our `PATH`, and of the recipe's variables those are left out that are
    `NOT_FOR_DOCKER`: `PATH`, `HOME`, `LD_…`, and what names a daemon, a context, a configuration, a login,
    TLS or an API version. A compose file that asks for one of them gets our `PATH`, or nothing.
    """
    import shutil  # noqa: PLC0415 - most ticks have nothing to render
    import subprocess  # noqa: PLC0415

    program = shutil.which("docker")
    if program is None:
        raise ValueError("there is no docker command")
    let_in = {name: value for name, value in environment.items() if not NOT_FOR_DOCKER.fullmatch(name)}
    argv = [program, "stack", "config"]
    for name in files:
        argv += ["--compose-file", name]
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**let_in, "PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(str(error)) from None
    if done.returncode != 0:
        raise ValueError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return done.stdout.decode()


def repository_pattern(image: str, environment: dict[str, str]) -> str:
    """The repository of an `image:` line that cannot be rendered; `*` where a variable is open."""

    def expand(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(3)
        return environment.get(name) or found.group(2) or "*"

    text = image
    for _ in range(5):  # a default may hold a variable
        text = _VARIABLE.sub(expand, text)
    name = text.partition("@")[0]
    colon = name.rfind(":")
    return name[:colon] if colon > name.rfind("/") else name


def repositories_in(text: str, environment: dict[str, str]) -> set[str]:
    """The repositories that a compose file names which cannot be rendered.

    Raises `ValueError` at a value that is no image for all that can be told.
    """
    text = _COMMENT.sub(lambda found: found.group(1) or "", text)
    images: set[str] = set()
    for key in _IMAGE_KEY.finditer(text):
        if not _NESTED.match(text, key.end()):
            images |= _images_at(text, key.end())
    found = {repository_pattern(image, environment) for image in images}
    odd = sorted(repository for repository in found if not _REPOSITORY.fullmatch(repository))
    if odd:
        raise ValueError(f"{odd[0]!r} is no repository")
    return found


def _images_at(text: str, start: int) -> set[str]:
    """The images that the value at `start` stands for: its own, or what an alias stands for."""
    value = _value_at(text, start)
    if not value["alias"]:
        return {_scalar(value)}
    anchor = rf"(?<![^\s,\[{{])&{re.escape(value['alias'])}(?!\S)"
    anchored = [_value_at(text, found.end()) for found in re.finditer(anchor, text)]
    if not anchored or any(value["alias"] for value in anchored):
        raise ValueError(f"nothing says what *{value['alias']} is")
    return {_scalar(value) for value in anchored}


def _value_at(text: str, start: int) -> re.Match[str]:
    value = _VALUE.match(text, start)
    if value is None:
        line = text[start:].lstrip().partition("\n")[0]
        raise ValueError(f"{line!r} is no image")
    return value


def _scalar(value: re.Match[str]) -> str:
    return value["double"] or value["single"] or value["plain"] or ""


def _recipes(roots: tuple[str, ...]) -> Iterator[Path]:
    for root in roots:
        folder = Path(root)
        try:
            inside = sorted(entry for entry in folder.iterdir() if entry.is_dir())
            found = [entry for entry in (folder, *inside) if any((entry / name).is_file() for name in MAIN)]
            for entry in found:
                os.listdir(entry)  # which globbing would pass over in silence
        except OSError as error:
            raise UnreadableError(f"recipes: the root {root} cannot be listed ({error})") from None
        yield from found


def _files_of(folder: Path) -> dict[str, str]:
    """The texts that decide what a recipe pins, by name: compose files, environments, `abra.sh`."""
    patterns = ("*.yml", "*.yaml", "*/*.yml", "*/*.yaml", ".env*", "*.env", "abra.sh")
    found = {}
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            found.update(_text_of(folder, path))
    for name, text in list(found.items()):
        if ".env" in name:
            for chosen in _compose_files(dotenv.parse(text)):
                if chosen not in found:
                    found.update(_text_of(folder, folder / chosen))
    return found


def _text_of(folder: Path, path: Path) -> dict[str, str]:
    """The text of `path`, by its name in `folder`; nothing where it is no file. An odd byte harms nobody."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    except OSError as error:
        raise UnreadableError(f"recipes: {path} cannot be read ({error})") from None
    return {} if text is None else {os.path.relpath(path, folder): text}


def _compose_files(environment: dict[str, str]) -> list[str]:
    return [name for name in environment.get("COMPOSE_FILE", "").split(":") if name]


class _Recipe:
    """One recipe, and what it was found to pin."""

    def __init__(self, folder: Path, files: dict[str, str], render: Render) -> None:
        self._folder = folder
        self._files = files
        self._render = render
        self._images: set[str] = set()
        self._repositories: set[str] = set()
        self._problems: list[str] = []

    def pins(self) -> dict[str, Any]:
        """All that it pins, in whichever way it is deployed."""
        composes = [name for name in self._files if name.endswith((".yml", ".yaml"))]
        composes = [name for name in composes if re.search(r"^services:", self._files[name], re.MULTILINE)]
        main = next((name for name in MAIN if name in self._files), None)
        if main is None:
            raise UnreadableError(f"recipes: {self._folder} was changed while it was read")
        exported = dotenv.exports(self._files.get("abra.sh", ""))
        texts = [text for name, text in self._files.items() if ".env" in name]
        for environment in [dotenv.parse(text) for text in texts] or [{}]:
            whole = {"STACK_NAME": "pins", **exported, **environment}
            named = _compose_files(environment) or [main]
            self._take(named, whole)
            for name in composes:
                if name not in named:
                    self._take([*named, name], whole)
        return {
            "images": sorted(self._images),
            "repositories": sorted(self._repositories),
            "problems": self._problems,
        }

    def _take(self, chosen: list[str], environment: dict[str, str]) -> None:
        try:
            rendered = self._render(self._folder, chosen, environment)
        except ValueError as error:
            said = f"the recipe {self._folder} does not render with {':'.join(chosen)}: {error}"
            for name in chosen:
                self._repositories |= self._repositories_in(name, environment, said)
            self._problems.append(said)
            return
        services = rendered.partition("\nservices:\n")[2] or rendered
        self._images.update(image.strip("\"'") for image in _RENDERED_IMAGE.findall(services))

    def _repositories_in(self, name: str, environment: dict[str, str], said: str) -> set[str]:
        try:
            return repositories_in(self._files.get(name, ""), environment)
        except ValueError as error:
            raise UnreadableError(f"{said}; the repositories in {name} cannot be read: {error}") from None


def _key(folder: Path, files: dict[str, str]) -> str:
    content = json.dumps([str(folder), sorted(files.items())]).encode()
    return hashlib.sha256(content).hexdigest()
