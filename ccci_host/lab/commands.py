"""Commands on the machine that runs the lab."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccci_host.errors import HostError
from ccci_host.transport.executor import Completed

HERE = "this machine"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


WITH_US = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
"""Put before an argv: the command and all that it starts die with this process, and their mounts go too."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with the system's folders on its PATH, and `extra` on top."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{path}:{_SYSTEM_PATH}" if path else _SYSTEM_PATH, **(extra or {})}


def run(
    argv: Sequence[str],
    *,
    input: bytes = b"",
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    timeout: float = 600.0,
) -> Completed:
    """Run `argv` here to its end. With `log`, its output is appended to that file and shown only on failure.

    Raises `HostError` when there is no such program or it takes longer than `timeout` seconds.
    """
    try:
        done = subprocess.run(
            argv, input=input, capture_output=True, env=environment(env), timeout=timeout, check=False
        )
    except FileNotFoundError:
        raise HostError(f"There is no {argv[0]} on {HERE}.") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"`{' '.join(argv)}` on {HERE} did not end within {timeout:.0f} s.") from None
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            file.write(f"\n$ {' '.join(argv)}\n".encode() + done.stdout + done.stderr)
    return Completed(tuple(argv), done.returncode, done.stdout, done.stderr, HERE)
