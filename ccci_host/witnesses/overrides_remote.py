"""Host program: whether the running dockerd skips pulls of images that it has.

Runs on the CI host, Python ≥ 3.9, standard library only. Prints the assignments of its one variable, from
dockerd's environment as the kernel has it: a unit's file tells what it would be after the next start. Where
no dockerd is to be seen nothing is known, and it ends with exit code 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

VARIABLE = b"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE="


def found(proc: Path) -> list[str]:
    """The assignments among the processes called `dockerd`; raises `SystemExit` where there is none."""
    environments = []
    for process in sorted(proc.glob("[0-9]*")):
        try:
            if (process / "comm").read_text().strip() == "dockerd":
                environments.append((process / "environ").read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended
    if not environments:
        sys.exit("no process called dockerd is to be seen")
    lines = b"\0".join(environments).split(b"\0")
    return [line.decode(errors="replace") for line in lines if line.startswith(VARIABLE)]


if __name__ == "__main__":
    print("\n".join(found(Path("/proc"))))
