"""What a tick of the agent costs that finds nothing to do: the installed agent on a host of the lab."""

import hashlib
import io
import json
import statistics
import tarfile
from collections.abc import Mapping, Sequence
from importlib import resources

from ccci_host import config
from ccci_host.agent import paths
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.lab import Lab
from ccci_host.provision import provision
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine

PROGRAM = (resources.files(__package__) / "agent_tick_remote.py").read_text()
INSTANCE = "benchmark"
IMAGES, CONTAINERS = 60, 20
TIMES = 15
CPU, MEMORY = 0.15, 30.0
"""The budgets: seconds, and MB at the peak."""


def measure(lab: Lab) -> Sequence[Figure]:
    """CPU and memory of ticks on an instance of its own, with as many images as a CI host has."""
    lab.instance("classic", name=INSTANCE, anew=True)
    try:
        table = config.load(lab.config_path).host[INSTANCE]
        with open_machine(INSTANCE, table) as machine:
            provision(machine)
            _fill(machine)
            costs = machine.run_python(
                PROGRAM, {"argv": [paths.ARCHIVE, "sweep"], "times": TIMES}, timeout=300
            )
    finally:
        lab.remove(INSTANCE)
    where = f"{TIMES} ticks, {IMAGES} images, {CONTAINERS} containers, classic store"
    return [
        Figure("agent: an idle tick", statistics.median(costs["cpu"]), CPU, "s of CPU", f"median of {where}"),
        Figure(
            "agent: memory of an idle tick", max(costs["peak"]) / 1e6, MEMORY, "MB", f"highest of {where}"
        ),
    ]


def _fill(machine: Machine) -> None:
    run = machine.executor.run
    run(["systemctl", "stop", paths.TIMER]).check()
    run(["docker", "load", "--quiet"], input=archive(), timeout=300).check()
    for number in range(CONTAINERS):
        run(["docker", "create", "--name", f"c{number}", _name(number)]).check()
    run([paths.ARCHIVE, "sweep"]).check()  # the first look at them


def archive() -> bytes:
    """Images for `docker load`: a few bases, on each of them layers of their own."""
    files: dict[str, bytes] = {}
    listed = []
    for number in range(IMAGES):
        own = [f"{number} {layer}" for layer in range(3)]
        layers = [
            _tar({name: name.encode()}) for name in (*(f"base {number % 6} {n}" for n in range(5)), *own)
        ]
        digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
        files |= {f"{digest}.tar": layer for digest, layer in zip(digests, layers, strict=True)}
        image = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/nothing"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        }
        files[f"{number}.json"] = json.dumps(image).encode()
        listed.append(
            {"Config": f"{number}.json", "RepoTags": [_name(number)], "Layers": [f"{d}.tar" for d in digests]}
        )
    return _tar({**files, "manifest.json": json.dumps(listed).encode()})


def _name(number: int) -> str:
    return f"benchmark/app{number}:1"


def _tar(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return content.getvalue()
