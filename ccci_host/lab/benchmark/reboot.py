"""What the proof costs beside what it proves: a reboot and redeploy with all witnesses, and bare commands.

Both on one instance, in turns. The bare sequence is what a person would type: the same restart, a loop until
the swarm answers, `docker stack deploy`, a loop until every replica runs.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ccci_host import config
from ccci_host.errors import HostError
from ccci_host.experiments.options import Options, Point
from ccci_host.experiments.reboot import SHUTDOWN_SECONDS
from ccci_host.lab.benchmark.figure import Figure
from ccci_host.lab.lab import DEFAULT_RECIPE, Lab
from ccci_host.progress import doing
from ccci_host.provision import provision
from ccci_host.recipes import STACK, App, find_recipe, make_app
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine
from ccci_host.verdict import Verdict
from ccci_host.verify import verify

INSTANCE = "benchmark-reboot"
TIMES = 3
BUDGET = 1.15
"""Times the bare sequence."""
FOLDER = "/root/bare"
CONVERGING = 300.0
BARE = """
until docker node ls >/dev/null 2>&1; do sleep 0.1; done
docker stack deploy --detach=true --with-registry-auth "$@" || exit 1
for stack; do :; done
until [ -z "$(docker stack services --format '{{.Replicas}}' "$stack" | grep -v '^\\([0-9]*\\)/\\1$')" ]
do sleep 0.1; done
"""
"""Shell; its arguments are those of `docker stack deploy`, the stack last."""


def measure(lab: Lab) -> Sequence[Figure]:
    """The ratio of the medians, with both in seconds."""
    lab.instance("classic", name=INSTANCE, anew=True)
    ours, bare = [], []
    try:
        with open_machine(*config.load(lab.config_path).select(INSTANCE)) as machine:
            provision(machine)
            app = _prepare(machine)
            for turn in range(1, TIMES + 1):
                with doing(f"proof {turn} of {TIMES}"), TemporaryDirectory() as root:
                    ours.append(_proven(machine, Path(root)))
                with doing(f"bare sequence {turn} of {TIMES}"):
                    bare.append(_bare(machine, app))
    finally:
        lab.remove(INSTANCE)
    with_proof, without = statistics.median(ours), statistics.median(bare)
    return [
        Figure(
            "reboot-and-redeploy, from the restart's request to the converged redeploy",
            with_proof / without,
            BUDGET,
            "x",
            f"{with_proof:.1f} s to {without:.1f} s of the bare commands; medians of {TIMES}, classic store",
        )
    ]


def _proven(machine: Machine, root: Path) -> float:
    """Seconds of a whole run from the restart's request until the redeploy has converged."""
    seen: dict[Point, float] = {}

    def onlooker(point: Point) -> None:
        seen[point] = time.monotonic()

    options = Options(task="reboot-and-redeploy", recipe=DEFAULT_RECIPE, onlooker=onlooker)
    outcome = verify(machine, options, root=root)
    if outcome.verdict is not Verdict.PASS:
        raise HostError("A run that does not pass measures nothing.", details="\n".join(outcome.lines()))
    return seen["done", "redeploy"] - seen["before", "reboot"]


def _prepare(machine: Machine) -> App:
    """Have the images, the secrets and the recipe's files on the host."""
    app = make_app(find_recipe(DEFAULT_RECIPE, machine.config.recipes), "bare.test")
    for file in app.recipe.folder.rglob("*"):
        name = file.relative_to(app.recipe.folder)
        if file.is_file() and name.parts[0] != ".git":
            there = Path(FOLDER, name)
            machine.executor.run(["mkdir", "-p", str(there.parent)]).check()
            machine.instance.write_file(str(there), file.read_bytes(), mode=0o644)
    STACK.deploy(machine, app)
    _take_down(machine, app)
    return app


def _bare(machine: Machine, app: App) -> float:
    began = time.monotonic()
    machine.instance.request_restart(force=False, timeout=SHUTDOWN_SECONDS)
    files = [word for name in app.compose_files for word in ("--compose-file", f"{FOLDER}/{name}")]
    environment = [f"{name}={value}" for name, value in app.env.items()]
    argv = ["env", *environment, "sh", "-c", BARE, "bare", *files, app.stack]
    machine.executor.run(argv, timeout=CONVERGING).check()
    took = time.monotonic() - began
    _take_down(machine, app)
    return took


def _take_down(machine: Machine, app: App) -> None:
    """`docker stack rm`, which leaves the secrets that were made beforehand, and its containers' end."""
    label = f"label=com.docker.stack.namespace={app.stack}"
    gone = (
        f'docker stack rm {app.stack}; until [ -z "$(docker ps -aq --filter {label})" ]; do sleep 0.2; done'
    )
    machine.executor.run(["sh", "-c", gone], timeout=CONVERGING).check()
