"""Whether a command is itself a removal of images, or another program that is only told of one.

What is told of one may do other work too, and is not ours to stop. In doubt a command is no removal.
"""

import re
from collections.abc import Mapping
from itertools import takewhile

from ccci_host.facts.answers import Answer, Present
from ccci_host.prune_words import is_janitor_image, plain_words, removal_words, removals

_SHELL = re.compile(r"(?:\S*/)?(?:ba|da|a|z|k)?sh")
_RUNS_ANOTHER = re.compile(
    rf"""
      (?:\S*/)?(?:env|nice|ionice|timeout|setsid|sudo|exec|time|xargs|busybox|tini|dumb-init|python[\d.]*)
    | (?:\S*/)?[\w.-]*entrypoint[\w.-]*
    | {_SHELL.pattern}
    | if | then | else | while | until | do | ! | \{{
    | -\S* | \d+[smhd]? | \w+=\S*            # what these are given
    """,
    re.VERBOSE,
)
_REMOVER = re.compile(
    r"(?:\S*/)?(?:docker|docker-compose|nerdctl|crictl|ctr|curl)|\$\{?(?i:docker)\w*\}?"
    r"|system|images?|rmi"  # of an image whose entrypoint is docker
)
_STARTS_ANOTHER = re.compile(r"\s(?:run|exec|create|up)\s")


def is_removal(command: str, scripts: Mapping[str, Answer] | None = None) -> bool:
    """Whether what `command` runs removes images: a program, a shell's code, or one of `scripts`."""
    plain = plain_words(command)
    is_code = any(_SHELL.fullmatch(word) for word in takewhile(_RUNS_ANOTHER.fullmatch, plain.split()))
    parts = re.split(r"[;&|]+", plain) if is_code else [plain]
    return any(_runs_removal(part, scripts or {}) for part in parts)


def _runs_removal(command: str, scripts: Mapping[str, Answer]) -> bool:
    words = command.split()
    program = next((word for word in words if not _RUNS_ANOTHER.fullmatch(word)), "")
    script = scripts.get(program)
    if is_janitor_image(program) or (isinstance(script, Present) and removals(script.text)):
        return True
    if not _REMOVER.fullmatch(program):
        return False
    if _STARTS_ANOTHER.search(command):
        return any(is_janitor_image(word) for word in words)
    return bool(removal_words(command))
