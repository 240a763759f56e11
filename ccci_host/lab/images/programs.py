"""Reads off a public recipe which programs it starts in its images, for the stand-ins to have them.

A guess, and a generous one: a program too many harms nobody. What busybox has itself is left alone.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ccci_host.lab.images import rootfs

_LARGEST = 256 * 1024
_KEY = re.compile(r"^(?P<indent>\s*)(?:- )?(?:entrypoint|command|test)\s*:(?P<rest>.*)$")
_WORD = re.compile(r"[^\s\"',\[\]()|;&<>{}$`=*]+")
_PROGRAM = re.compile(r"[a-z][A-Za-z0-9_.+-]*|/(?:[A-Za-z0-9_.+-]+/)*[A-Za-z0-9_.+-]+")
_COMMAND = re.compile(
    r"(?:^|[;&|(`])\s*(?:(?:then|do|else|exec|if|while|until|!)\s+)*(?P<word>[a-z/][\w./+-]*)(?=[\s;)`]|$)",
    re.MULTILINE,
)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_ASKED_FOR_AND_PRESENT = frozenset({"nc", "wget"})
"""Of busybox's programs those that a health check uses to reach a port which nobody here listens on."""
_FOLDERS = ("/app/", "/bin/", "/code/", "/home/", "/opt/", "/srv/", "/usr/", "/var/www/")
_SHELL = frozenset(
    {"bash", "break", "case", "cd", "command", "continue", "do", "done", "elif", "else", "env", "esac"}
    | {"eval", "exec", "exit", "export", "fi", "for", "function", "getopts", "if", "in", "local", "read"}
    | {"readonly", "return", "set", "shift", "source", "then", "trap", "type", "ulimit", "umask", "unset"}
    | {"until", "wait", "while", "/usr/bin/bash", "/usr/bin/env"}
)
"""The shell's own words, and the shells that a stand-in has already."""


def programs_of(recipe: Path) -> tuple[str, ...]:
    """Programs, by name or absolute path, that the files of `recipe` seem to start in its containers."""
    found = {word for path in _texts(recipe) for word in _words(path)}
    return tuple(sorted(found - _SHELL - (rootfs.applets() - _ASKED_FOR_AND_PRESENT)))


def _texts(recipe: Path) -> Iterator[Path]:
    for path in sorted(recipe.rglob("*")):
        inside = path.relative_to(recipe)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and not is_hidden and path.stat().st_size <= _LARGEST and path.name != "abra.sh":
            yield path


def _words(path: Path) -> Iterable[str]:
    text = path.read_text(errors="replace").replace(" ./", " /").replace('"./', '"/')  # WORKDIR is `/`
    if path.suffix in (".yml", ".yaml"):
        return {word for word in _of_compose(text) if _is_program(word)}
    if text.startswith("#!") or ".sh" in path.name:
        return {
            match["word"] for match in _COMMAND.finditer(_COMMENT.sub("", text)) if _is_program(match["word"])
        }
    return ()


def _of_compose(text: str) -> Iterator[str]:
    """Every word of the values of `entrypoint`, `command` and `test`, on the line of the key or below it."""
    below = -1
    for line in text.splitlines():
        key = _KEY.match(line)
        indent = len(line) - len(line.lstrip())
        if key:
            below = len(key["indent"])
            yield from _WORD.findall(key["rest"])
        elif below >= 0 and (not line.strip() or indent > below or line.lstrip().startswith("- ")):
            yield from _WORD.findall(line)
        else:
            below = -1


def _is_program(word: str) -> bool:
    if not _PROGRAM.fullmatch(word):
        return False
    is_at_the_top = word.count("/") == 1 and "entrypoint" in word
    return not word.startswith("/") or word.startswith(_FOLDERS) or is_at_the_top or word == "/init"
