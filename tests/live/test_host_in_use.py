"""A host in use, as most are: not disposable, with a canary, and nobody reads its registry's log.

Two witnesses are left there, the layer store and the bytes that Incus counts; they must be enough for a PASS,
and see what is lost. A neighbour's service runs there, and two have ended for good: no deploy under way.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.checks import Finding, find_all
from ccci_host.experiments import EXPERIMENTS, Options
from ccci_host.journal import Journal, read_history
from ccci_host.lab.images.catalogue import CANARY
from ccci_host.provision import provision
from ccci_host.records import StoreKind
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from ccci_host.waiting import wait_until
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

HOST = "in-use"


@pytest.fixture(scope="module", params=["classic", "containerd"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    store: StoreKind = request.param
    with own_instance(HOST, store=store) as config:
        changes = {"disposable": False, "allow_reboot": True, "registry": None, "canary": CANARY}
        with open_machine(HOST, config.host[HOST].model_copy(update=changes)) as machine:
            provision(machine)
            _serve(machine, "shop")
            _serve(machine, "migration", "--detach", "--entrypoint=true", "--restart-condition=on-failure")
            _serve(machine, "backup", "--detach", "--entrypoint=true", "--mode=replicated-job")
            wait_until(lambda: _is_done(machine) or None, what="what ends by itself", timeout=60)
            yield machine


def _serve(machine: Machine, name: str, *options: str) -> None:
    argv = ["docker", "service", "create", "--quiet", "--with-registry-auth", "--name", name, *options]
    machine.executor.run([*argv, "quickcache:7.2"], timeout=120).check()


def _is_done(machine: Machine) -> bool:
    argv = ["docker", "service", "ps", "--format={{.CurrentState}}", "migration", "backup"]
    states = machine.run_repeatable(argv).check().text.splitlines()
    return len(states) == 2 and all(state.startswith("Complete") for state in states)


def run(machine: Machine, folder: Path, options: Options) -> dict[str, Finding]:
    path = folder / f"{secrets.token_hex(4)}.jsonl"
    with Journal(path) as journal:
        EXPERIMENTS[options.task](machine, journal, options)
    return {finding.check: finding for finding in find_all(read_history(path))}


def short_of_pass(findings: dict[str, Finding]) -> dict[str, str]:
    return {
        name: one.reason for name, one in findings.items() if one.verdict in (Verdict.UNKNOWN, Verdict.FAIL)
    }


def not_shown(findings: dict[str, Finding]) -> set[str]:
    return {name for name, one in findings.items() if one.verdict is None}


@pytest.mark.parametrize(
    ("task", "silent"),
    [
        ("verify-pc2", set()),
        ("verify-pc3", {"moved-tag-pulled", "redeploy-costs"}),
        ("reboot-and-redeploy", {"redeploy-costs"}),
    ],
)
def test_it_passes_without_a_log_and_without_a_loss(
    task: str, silent: set[str], machine: Machine, tmp_path: Path
) -> None:
    """What takes a registry of one's own is not shown, and said to be."""
    findings = run(machine, tmp_path, Options(task=task))
    assert short_of_pass(findings) == {}
    assert not_shown(findings) == silent


def test_a_young_agent_has_no_day_to_show_and_all_else_passes(machine: Machine, tmp_path: Path) -> None:
    left = short_of_pass(run(machine, tmp_path, Options(task="verify-pc1")))
    assert set(left) == {"disk-stays-bounded"}, left


def test_a_prune_before_the_redeploy_is_convicted(machine: Machine, tmp_path: Path) -> None:
    def prune(*_: object) -> None:
        machine.executor.run(["docker", "image", "prune", "-af"]).check()

    options = Options(task="verify-pc3", pause_before="redeploy", wait_for_person=prune)
    findings = run(machine, tmp_path, options)
    for check in ("images-retained", "nothing-evicted", "layers-from-local-store"):
        assert findings[check].verdict is Verdict.FAIL, findings[check].reason
