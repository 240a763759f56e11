"""Starts a command and kills it, and all that it started, without a warning. Runs on the host: Python 3.9.

Standard input: `{"argv", "after", "writes"}`, `after` in seconds from its start to the kill; with a path in
`writes`, from the moment at which that file is first written to. Standard output: `{"killed", "seconds",
"printed"}`: whether it was killed before it had ended, how long it had run, and what it had said until then.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any


def written(path: str) -> Any:
    """What changes with every write to the file at `path`."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as quick as can be
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def main(argv: list[str], after: float, writes: str) -> dict[str, Any]:
    """Start, wait, kill. Waits without rest: a millisecond too late misses what was to be hit."""
    before = written(writes)
    begun = time.monotonic()
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        while writes and written(writes) == before and process.poll() is None:
            pass
        moment = (time.monotonic() if writes else begun) + after
        while time.monotonic() < moment and process.poll() is None:
            pass
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        printed = process.communicate()[0].decode()
    return {
        "killed": process.returncode == -signal.SIGKILL,
        "seconds": time.monotonic() - begun,
        "printed": printed,
    }


json.dump(main(**json.load(sys.stdin)), sys.stdout)
