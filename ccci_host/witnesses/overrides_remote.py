"""Host program: whether the running dockerd skips pulls of images that it has, or sends them elsewhere.

Runs on the CI host, Python ≥ 3.9, standard library only. Prints the assignment by which dockerd skips
them, from its environment as the kernel has it: a unit's file tells what it would be after the next start.
Then the files that name other hosts for Docker Hub, which newer dockerds read for the containerd store and of
which `/info` says nothing (docker/docs 24213). Where no dockerd is to be seen nothing is known, and it ends
with exit code 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

SKIPS = b"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1"
"""moby compares the value with `1`, and takes any other for no."""
REGISTRIES = Path("/etc/docker/certs.d")
HUB = ("docker.io", "registry-1.docker.io", "_default")
OTHER_HOST = re.compile(r"^\s*(?:server\s*=|\[\s*host\b)", re.MULTILINE)


def found(proc: Path) -> list[str]:
    """The assignments among the processes called `dockerd`; raises `SystemExit` where there is none."""
    environments = []
    for process in sorted(proc.glob("[0-9]*")):
        try:
            if (process / "comm").read_bytes() == b"dockerd\n":  # cut at 15 bytes, in mid-character too
                environments.append((process / "environ").read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended
    if not environments:
        sys.exit("no process called dockerd is to be seen")
    lines = b"\0".join(environments).split(b"\0")
    return [line.decode() for line in lines if line == SKIPS]


def redirections(registries: Path) -> list[str]:
    """The files that name a host to ask in place of Docker Hub; one with certificates alone does not."""
    files = [registries / name / "hosts.toml" for name in HUB]
    there = [file for file in files if file.is_file()]
    return [str(file) for file in there if OTHER_HOST.search(file.read_text(errors="replace"))]


if __name__ == "__main__":
    print("\n".join([*found(Path("/proc")), *redirections(REGISTRIES)]))
