"""Ctrl-C and SIGKILL somewhere in the phases of every experiment, on a real host beside a stranger's service.

`CCCI_STOPS` says in how many phases of each experiment, or `all`; which, and how far in, is chosen by
`CCCI_SEED`, a number.
"""

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.experiments import EXPERIMENTS, Options, stacks
from ccci_host.experiments.lease import holders
from ccci_host.journal import Journal, read_history
from ccci_host.lab import Lab
from ccci_host.lab.faults import renew_pulls
from ccci_host.lab.lab import DEFAULT_RECIPE
from ccci_host.provision import provision
from ccci_host.recipes import STACK, find_recipe, make_app
from ccci_host.records import Cleanup, Finished, Leftovers, Note, Phase
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.transport.readiness import wait_until_ready
from ccci_host.waiting import wait_until
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

STOPS = os.environ.get("CCCI_STOPS", "1")
SEED = int(os.environ.get("CCCI_SEED", "11594"))
"""The usual one chooses two reboots, a preflight and a cold pull."""
HOST = "stopped"
RUNNING = 300.0
BOOTING = 180.0
SOONEST, LATEST = 0.0, 2.0
"""Seconds into a phase at which the signal comes."""
DATA = "/var/lib/data"
"""Where the image wants a volume: one without a name would be another after each reboot."""
KINDS = ("service", "container", "volume", "network", "secret", "config")

_REDEPLOYS: tuple[Phase, ...] = ("preflight", "deploy", "teardown", "redeploy", "final-teardown")
_CONTROLS: tuple[Phase, ...] = ("evict", "control-redeploy")
PHASES: dict[str, tuple[Phase, ...]] = {
    "verify-pc1": ("preflight", "deploy", "teardown"),
    "verify-pc2": ("preflight", "deploy", "teardown", "cold-pull"),
    "verify-pc3": (*_REDEPLOYS, "pin-control", "tag-control", *_CONTROLS),
    "reboot-and-redeploy": (*_REDEPLOYS, "reboot", *_CONTROLS),
}
"""Those of each experiment; one that it does not come to is not stopped, and fails here."""

Inventory = dict[str, frozenset[str]]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with own_instance(HOST) as config, open_machine(HOST, config.host[HOST]) as machine:
        provision(machine)
        argv = ["docker", "service", "create", "--quiet", "--name", "stranger"]
        argv += ["--mount", f"source=stranger,target={DATA}"]
        machine.executor.run([*argv, "--with-registry-auth", "quickcache:7.2"], timeout=120).check()
        app = make_app(find_recipe(DEFAULT_RECIPE, machine.config.recipes))
        STACK.deploy(machine, app)  # makes the network that all recipes share, and that stays
        STACK.teardown(machine, app)
        yield machine


def stopped(task: str, history: Path, *stop: str) -> int:
    """A run in a process of its own that is stopped; its exit code, negative where a signal ended it."""
    argv = [sys.executable, "-m", "tests.live.stopped_run", str(Lab.default().config_path), HOST, task]
    argv.append(str(history))
    return subprocess.run([*argv, *stop], timeout=RUNNING, capture_output=True, check=False).returncode


def settle(machine: Machine) -> None:
    """Wait until the machine is up and the stranger's service runs: before that, a run refuses."""
    wait_until_ready(machine, timeout=BOOTING)
    wait_until(
        lambda: None if stacks.look(machine).unconverged else True, what="the stranger", timeout=BOOTING
    )


def inventory(machine: Machine) -> Inventory:
    """All that an experiment makes on a host, by kind and name; a restart gives a task another container."""
    found = {}
    for kind in KINDS:
        name = "{{.Names}}" if kind == "container" else "{{.Name}}"
        argv = ["docker", kind, "ls", "--format", name, *(["--all"] if kind == "container" else [])]
        lines = machine.run_repeatable(argv).check().text.split()
        found[kind] = frozenset(line.partition(".")[0] if kind == "container" else line for line in lines)
    return found


def goes(kind: str, name: str) -> bool:
    """Whether the swarm takes it away with its service: a container, and a volume that has no name."""
    return kind == "container" or (kind == "volume" and re.fullmatch(r"[0-9a-f]{64}", name) is not None)


def at_rest(machine: Machine) -> Inventory:
    """What there is once the swarm has done what a run told it to before it was killed."""
    looks: list[Inventory] = []

    def look() -> Inventory | None:
        looks.append(inventory(machine))
        return looks[-1] if looks[-2:-1] == looks[-1:] else None

    return wait_until(look, what="the swarm to be at rest", timeout=BOOTING, interval=3.0)


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
@pytest.mark.parametrize("task", PHASES)
def test_a_run_that_is_stopped_leaves_nothing_for_good(
    task: str, how: str, machine: Machine, tmp_path: Path
) -> None:
    phases = PHASES[task]
    rng = random.Random(f"{SEED} {task} {how}")
    before = inventory(machine)
    for phase in phases if STOPS == "all" else rng.sample(phases, min(int(STOPS), len(phases))):
        seconds = f"{rng.uniform(SOONEST, LATEST):.2f}"
        what = f"seed {SEED}: {how} {seconds} s into {phase} of {task}"
        path = tmp_path / f"{phase}.jsonl"
        renew_pulls(machine)  # all phases of an experiment take more than there is
        settle(machine)
        code = stopped(task, path, phase, how, seconds)
        history = read_history(path)
        if how == "SIGINT":
            assert code not in (0, -signal.SIGKILL), what
            finished = history.last(Finished)
            assert finished is not None, what
            assert finished.outcome == "interrupted", f"{what}: {finished.problem}"
            cleanup = history.last(Cleanup)
            assert cleanup is None or not (cleanup.left or cleanup.problem), f"{what}: {cleanup}"
        else:
            assert code == -signal.SIGKILL, what
            assert history.last(Finished) is None, what
            settle(machine)
            says_what_it_found(machine, before, tmp_path / f"after-{phase}.jsonl", what)
        assert inventory(machine) == before, what
        assert holders(machine) == (), what


def says_what_it_found(machine: Machine, before: Inventory, path: Path, what: str) -> None:
    """The next run removes what a killed one left, and names it."""
    there = at_rest(machine)
    left = {(kind, name) for kind in KINDS for name in there[kind] - before[kind] if not goes(kind, name)}
    held = bool(holders(machine))
    with Journal(path) as journal:
        EXPERIMENTS["verify-pc1"](machine, journal, Options(task="verify-pc1"))
    told = read_history(path)
    removed = {(kind, name) for one in told.of(Leftovers) for kind, name in one.removed}
    assert left <= removed, f"{what}: {left - removed} was removed without a word"
    assert not [one.left for one in told.of(Leftovers) if one.left], what
    assert held == any("lease of an earlier run" in note.text for note in told.of(Note)), what
