"""The PAT of the Docker Hub account, from where the configuration says it lies."""

import os
import stat
import subprocess
from dataclasses import dataclass

from ccci_host.config import PatTable
from ccci_host.errors import ConfigError, tail
from ccci_host.secret import Secret

MORE = (
    "It gave more than one word, and has to give the PAT alone. Of an entry with several lines `head -n 1` "
    'takes the first: command = ["sh", "-c", "pass show docker-hub/ci | head -n 1"].'
)

COMMAND_TIMEOUT = 30.0
"""Seconds that the command may take: a password store may ask its owner."""


@dataclass(frozen=True, slots=True)
class Pat:
    """The PAT, and what is unwise about the place it came from."""

    secret: Secret
    warning: str = ""


def read_pat(table: PatTable) -> Pat:
    """Read the PAT, without the white space around it.

    Raises `ConfigError` when its source is missing, unreadable, failing, empty, or holds more than one word.
    """
    if table.command is not None:
        place = f"the command `{table.command[0]}`"
        return Pat(_one_word(_output(table.command, place), place))
    if table.file is not None:
        place = f"the file {table.file}"
        try:
            text, mode = table.file.read_text(), stat.S_IMODE(table.file.stat().st_mode)
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable(place, _cause(error)) from None
        is_open = bool(mode & 0o077)
        warning = f"{table.file} is open to other users (mode {mode:04o}): `chmod 600 {table.file}`."
        return Pat(_one_word(text, place), warning if is_open else "")
    name = table.env or ""
    place = f"the environment variable {name}"
    if name not in os.environ:
        raise _unusable(place, "It is not set.")
    return Pat(_one_word(os.environ[name], place))


def _output(argv: tuple[str, ...], place: str) -> str:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise _unusable(place, f"It did not end within {COMMAND_TIMEOUT:.0f} s.") from None
    except OSError as error:
        raise _unusable(place, _cause(error)) from None
    if done.returncode:
        # Only what it complained of: its output may be the PAT.
        raise _unusable(place, f"It ended with exit code {done.returncode}. {tail(done.stderr)}".strip())
    return done.stdout.decode(errors="replace")


def _one_word(text: str, place: str) -> Secret:
    words = text.split()
    if len(words) != 1:
        raise _unusable(place, "It gave nothing." if not words else MORE)
    return Secret(words[0])


def _cause(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "It is no text."


def _unusable(place: str, details: str) -> ConfigError:
    return ConfigError(
        f"The PAT cannot be had from {place}.",
        details=details,
        resolution="`pat` under [host.….hub] in ccci.toml names its source: { command = […] }, { file = … } "
        "or { env = … }.",
    )
